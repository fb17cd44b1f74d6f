import type { FromSchema } from 'json-schema-to-ts';
import { databaseProperties, databaseRules, dumpOptionsType, portType } from '../database/database-schema.ts';

const options = {
  type: 'object',
  properties: {
    ...databaseProperties,
    databases: {
      ...databaseProperties.databases,
      description: 'Several databases, or all: every one that is no template and takes connections.',
    },
    host: {
      type: 'string',
      minLength: 1,
      description:
        "A host's name or address, or the folder of a socket. Left out: localhost where there is a user or a password, else the socket.",
    },
    port: { ...portType, description: 'Its port, 5432 when left out.' },
    user: { type: 'string', minLength: 1, description: 'The role that dumps; by a socket, the one of run_as.' },
    run_as: {
      type: 'string',
      format: 'safe-name',
      description:
        'The account of the system that the client programs run as, for peer authentication: postgres when left out and a socket is used without a password.',
    },
    pgpass: {
      type: 'string',
      format: 'absolute-path',
      description: 'A password file of PostgreSQL; /root/.pgpass when left out, if it is there.',
    },
    format: {
      enum: ['custom', 'directory', 'plain'],
      default: 'custom',
      description: 'custom and directory are for pg_restore, plain is SQL for psql.',
    },
    globals: {
      type: 'boolean',
      default: false,
      description: 'true: roles and tablespaces too, which belong to no database. Needs a superuser.',
    },
    dump_options: {
      ...dumpOptionsType,
      description: 'More options for pg_dump, split at blanks or as a list, such as --exclude-table-data=sessions.',
    },
  },
  additionalProperties: false,
} as const;

export const postgresqlSchema = {
  ...options,
  ...databaseRules,
  description: 'Dumps of PostgreSQL databases, made while the service runs.',
} as const;

export type PostgresqlOptions = FromSchema<typeof options>;
