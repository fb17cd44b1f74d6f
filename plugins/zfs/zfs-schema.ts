import type { FromSchema } from 'json-schema-to-ts';

const datasetName = {
  type: 'string',
  pattern: '^[A-Za-z][A-Za-z0-9_.: -]*(/[A-Za-z0-9_.: -]+)*$',
  expected: 'the name of a dataset, such as tank/srv',
} as const;

export const zfsSchema = {
  type: 'object',
  description: 'A ZFS dataset, read from a snapshot or as a stream of "zfs send".',
  properties: {
    dataset: { ...datasetName, description: 'The file system or volume, as "zfs list" names it.' },
    recursive: {
      type: 'boolean',
      default: false,
      description: 'true: also the datasets below it, all from one moment.',
    },
    exclude: {
      type: 'array',
      items: datasetName,
      default: [],
      description: 'Datasets below it that are left out, with all below them.',
    },
    stream: {
      type: 'string',
      enum: ['full', 'incremental'],
      description:
        'Saves streams instead of files: a full one each time, or a full one now and then and what came after it.',
    },
    full_every: {
      type: 'string',
      format: 'duration',
      default: '30d',
      description: 'For stream: incremental: after what time a full stream begins anew.',
    },
    timeout: {
      type: 'string',
      format: 'duration',
      default: '12h',
      description: 'How long the stream of one dataset may take.',
    },
  },
  required: ['dataset'],
  additionalProperties: false,
} as const;

export type ZfsOptions = FromSchema<typeof zfsSchema>;
