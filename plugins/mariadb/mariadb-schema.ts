import type { FromSchema } from 'json-schema-to-ts';
import { databaseProperties, databaseRules, dumpOptionsType, portType } from '../database/database-schema.ts';

const options = {
  type: 'object',
  properties: {
    ...databaseProperties,
    databases: {
      ...databaseProperties.databases,
      description: 'Several databases, or all: every one but those that the server makes itself.',
    },
    host: {
      type: 'string',
      minLength: 1,
      description: "A host's name or address, or the path of a socket. Left out: the socket of this machine.",
    },
    port: { ...portType, description: 'Its port, 3306 when left out. localhost is a socket unless it is another one.' },
    user: { type: 'string', minLength: 1, description: 'The user that dumps, root when left out.' },
    defaults_file: {
      type: 'string',
      format: 'absolute-path',
      description: 'An option file with user and password; /root/.my.cnf when left out, if it is there.',
    },
    dump_options: {
      ...dumpOptionsType,
      description: 'More options for mariadb-dump or mysqldump, split at blanks or as a list.',
    },
  },
  additionalProperties: false,
} as const;

export const mariadbSchema = {
  ...options,
  ...databaseRules,
  description: 'Dumps of MariaDB or MySQL databases, made while the service runs.',
} as const;

export type MariadbOptions = FromSchema<typeof options>;
