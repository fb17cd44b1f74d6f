import type { Schema } from '#common/config/json-schema.ts';
import type { Collector } from '#common/plugin/collector.ts';

/** service.yaml: the service itself, and a key for each task some collector answers to. */
export function serviceSchema(collectors: readonly Collector[]): Schema {
  const tasks = collectors.flatMap(({ taskKeys, schema }) => taskKeys.map((key) => [key, schema] as const));
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'service.yaml',
    description: 'One service to back up: /etc/backup/<type>/<service>/service.yaml.',
    type: 'object',
    properties: {
      service: {
        type: 'object',
        description: 'The service itself.',
        properties: {
          name: {
            type: 'string',
            format: 'safe-name',
            description: 'Its name in the archive; unique within its type.',
          },
          type: { type: 'string', description: 'For the reader only: the type is the name of the folder above.' },
          max_downtime: {
            type: 'string',
            format: 'duration',
            description: 'How long it may be stopped; longer is a warning.',
          },
          resume_timeout: {
            type: 'string',
            format: 'duration',
            default: '5m',
            description: 'How long starting it again may take.',
          },
        },
        required: ['name'],
        additionalProperties: false,
      },
      ...Object.fromEntries(tasks),
    },
    required: ['service'],
    minProperties: 2,
    expected: 'a map with the key service and at least one task, such as files',
    additionalProperties: false,
  };
}
