import type { FromSchema } from 'json-schema-to-ts';

export const containerSchema = {
  type: ['string', 'object'],
  minLength: 1,
  description:
    "The running container in which the database's own client programs are started: its name, or a service of a compose file.",
  properties: {
    compose_file: { type: 'string', format: 'absolute-path', description: 'The compose file.' },
    service: { type: 'string', minLength: 1, description: 'The name of the service in it.' },
  },
  required: ['compose_file', 'service'],
  additionalProperties: false,
} as const;

/** A container's name must not look like an option; docker refuses such names itself. */
export type ContainerOption = string | Exclude<FromSchema<typeof containerSchema>, string>;
