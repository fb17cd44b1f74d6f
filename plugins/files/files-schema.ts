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
              optional: { type: 'boolean', description: 'true: not being there is no failure.' },
            },
            required: ['path'],
            additionalProperties: false,
          },
        ],
        expected: 'an absolute path, or a map {path: …, optional: true}',
      },
    },
    exclude: {
      type: 'array',
      items: { type: 'string', minLength: 1 },
      default: [],
      description: "Patterns of what to leave out, with the meaning of rsync's --exclude.",
    },
    optional: { type: 'boolean', default: false, description: 'true: no path of the list needs to be there.' },
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
