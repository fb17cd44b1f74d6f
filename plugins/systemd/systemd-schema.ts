import type { FromSchema } from 'json-schema-to-ts';

export const systemdSchema = {
  type: 'object',
  description: 'Units that are stopped while the other tasks of the service collect, if they run.',
  properties: {
    units: {
      type: 'array',
      items: {
        type: 'string',
        pattern: '^[A-Za-z0-9:_.\\\\@-]+\\.(service|socket|timer|path|target|mount)$',
        expected: 'a unit with its ending, such as gitea.service',
      },
      minItems: 1,
      description:
        'Stopped in this order, started again in the opposite one. A socket that would start one belongs before it.',
    },
    timeout: { type: 'string', format: 'duration', default: '2m', description: 'How long stopping one unit may take.' },
  },
  required: ['units'],
  additionalProperties: false,
} as const;

export type SystemdOptions = FromSchema<typeof systemdSchema>;
