import type { FromSchema } from 'json-schema-to-ts';

const composeFile = {
  anyOf: [
    { type: 'string', minLength: 1 },
    { type: 'array', items: { type: 'string', minLength: 1 }, minItems: 1 },
  ],
  expected: 'the path of a compose file, or a list of those that belong together',
} as const;

const seconds = {
  anyOf: [
    { type: 'integer', minimum: 0 },
    { type: 'string', format: 'duration' },
  ],
  expected: 'a number of seconds, or a duration such as 30s',
} as const;

/** Keys with two names have no default here: it would stand beside the other name. */
const options = {
  type: 'object',
  properties: {
    compose_file: {
      ...composeFile,
      description:
        'The compose file, or several as with --file; a relative path counts from project_directory, else from service.yaml. The one in project_directory when left out.',
    },
    docker_compose_path: { ...composeFile, description: 'Another name of compose_file.' },
    project_directory: {
      type: 'string',
      format: 'absolute-path',
      description: "The project's folder; that of the compose file when left out.",
    },
    project_name: {
      type: 'string',
      format: 'safe-name',
      description: 'Its name, where it is started with --project-name.',
    },
    mode: {
      enum: ['stop', 'pause', 'none'],
      description:
        'What happens to the containers that run: stop (when left out), pause (quicker, but nothing writes to disk what it holds in memory), or none.',
    },
    stop_services: { type: 'boolean', description: 'false is the same as mode: none.' },
    stop_timeout: {
      type: 'string',
      format: 'duration',
      description: "How long a container may take to end before it is killed; the container's own when left out.",
    },
    start_timeout: {
      type: 'string',
      format: 'duration',
      default: '3m',
      description:
        'How long containers may take after the start to run and, where they have a health check, be healthy.',
    },
    wait_after_restart: {
      ...seconds,
      description:
        'For how long containers without a health check must have run before they count as running again; 0 when left out.',
    },
    stop_wait_seconds: { ...seconds, description: 'Another name of wait_after_restart.' },
    volumes: {
      anyOf: [
        { enum: ['all'] },
        { type: 'array', items: { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9_.-]*$' }, minItems: 1 },
      ],
      expected: "all, or a list of volumes by their names in the compose file or docker's own",
      description: 'Volumes to save.',
    },
    backup_config: {
      type: 'boolean',
      default: true,
      description: 'Whether the compose files and .env are saved.',
    },
    pin_images: {
      type: 'boolean',
      description: 'true: also a compose file that names the images in use by the digests of their registries.',
    },
    pin_images_to_digest: { type: 'boolean', description: 'Another name of pin_images.' },
  },
  additionalProperties: false,
} as const;

const notBoth = (one: string, other: string) => ({
  not: { required: [one, other] },
  expected: `a map without both ${one} and ${other}, which are the same`,
});

export const dockerSchema = {
  ...options,
  description: 'A compose project: its containers are stopped while the other tasks of the service collect.',
  anyOf: ['compose_file', 'docker_compose_path', 'project_directory'].map((key) => ({ required: [key] })),
  expected: 'a map with compose_file or project_directory',
  allOf: [
    notBoth('compose_file', 'docker_compose_path'),
    notBoth('wait_after_restart', 'stop_wait_seconds'),
    notBoth('pin_images', 'pin_images_to_digest'),
    { not: { required: ['mode', 'stop_services'] }, expected: 'a map without both mode and stop_services' },
  ],
} as const;

export type DockerOptions = FromSchema<typeof options>;
