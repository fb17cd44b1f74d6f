import type { FromSchema } from 'json-schema-to-ts';
import { filesSchema } from '../files/files-schema.ts';

export const univentionSchema = {
  type: 'object',
  description: 'A system dump of Univention Corporate Server, made by univention-backup, and files of your own.',
  properties: {
    univention_backup_options: {
      anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }],
      expected: 'a text of options, or a list',
      default: [],
      description: 'Options for univention-backup, split at blanks or as a list.',
    },
    dump_folder: {
      type: 'string',
      format: 'absolute-path',
      default: '/var/univention-backup',
      description: 'Where univention-backup leaves its dumps, as .tar.gz or .tar.bz2.',
    },
    timeout: { type: 'string', format: 'duration', default: '2h', description: 'How long univention-backup may take.' },
    custom_paths: {
      ...filesSchema.properties.paths,
      minItems: 0,
      default: [],
      description: 'More files and folders to save: absolute paths, or maps as in a files task.',
    },
    custom_exclude: {
      ...filesSchema.properties.exclude,
      description: "Patterns of what to leave out of custom_paths, with the meaning of rsync's --exclude.",
    },
  },
  additionalProperties: false,
} as const;

export type UniventionOptions = FromSchema<typeof univentionSchema>;
