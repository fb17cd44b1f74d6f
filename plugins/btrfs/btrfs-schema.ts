import type { FromSchema } from 'json-schema-to-ts';

export const btrfsSchema = {
  type: 'object',
  description: 'A btrfs subvolume, read from a snapshot.',
  properties: {
    subvolume: { type: 'string', format: 'absolute-path', description: 'Where the subvolume is seen on this machine.' },
    recursive: {
      type: 'boolean',
      default: false,
      description:
        'true: also the subvolumes below it, each from a snapshot of its own. A warning names them otherwise.',
    },
    exclude: {
      type: 'array',
      items: { type: 'string', format: 'absolute-path' },
      default: [],
      description: 'Subvolumes below it that are left out without a warning, with all below them.',
    },
  },
  required: ['subvolume'],
  additionalProperties: false,
} as const;

export type BtrfsOptions = FromSchema<typeof btrfsSchema>;
