import type { FromSchema } from 'json-schema-to-ts';

export const filesSchema = {
  type: 'object',
  description: 'Files and folders, with all their attributes.',
  properties: {
    paths: {
      type: 'array',
      minItems: 1,
      description: 'What to save: absolute paths, or maps with the key path and more.',
      items: {
        anyOf: [
          { type: 'string', format: 'absolute-path' },
          {
            type: 'object',
            properties: {
              path: { type: 'string', format: 'absolute-path', description: 'A file or a folder with all below it.' },
              as: {
                type: 'string',
                format: 'safe-name',
                description: 'Its name below data/ in the archive; its last name when left out.',
              },
              optional: {
                type: 'boolean',
                description:
                  "true: not being there is a warning and no failure; the task's own optional when left out.",
              },
            },
            required: ['path'],
            additionalProperties: false,
          },
        ],
        expected: 'an absolute path, or a map {path: …, as: …, optional: true}',
      },
    },
    exclude: {
      type: 'array',
      items: { type: 'string', minLength: 1 },
      default: [],
      description: "Patterns of what to leave out, with the meaning of rsync's --exclude.",
    },
    optional: {
      type: 'boolean',
      default: false,
      description: 'true: what of the list is not there is a warning and no failure.',
    },
    snapshot: {
      type: 'string',
      enum: ['none', 'auto', 'zfs', 'btrfs'],
      default: 'none',
      description:
        'Reads from a snapshot, while the service runs again: auto where a path lies on ZFS or btrfs, zfs and btrfs every path or the task fails.',
    },
    via: {
      type: 'string',
      enum: ['rsync'],
      description:
        'rsync: keeps a mirror, brings it up to date before and once more while the service is stopped, and reads that.',
    },
    vanished: {
      type: 'string',
      enum: ['warn', 'fail'],
      default: 'warn',
      description: 'What it means that a file is gone when its turn comes: a warning, or the failure of the service.',
    },
    rsync_options: {
      anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }],
      expected: 'a text or a list of --exclude=PATTERN and --include=PATTERN; nothing else of rsync applies here',
      description: '--exclude and --include options of older configurations; other options of rsync are refused.',
    },
  },
  required: ['paths'],
  additionalProperties: false,
} as const;

export type FilesOptions = FromSchema<typeof filesSchema>;
