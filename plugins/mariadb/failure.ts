import type { BackupError } from '#common/errors.ts';
import type { CommandResult } from '#common/process/command.ts';
import { type Hints, programFailure } from '../database/program-failure.ts';

const hints: Hints = [
  [
    /\b(1044|1142|1143|1227|1370)\b|insufficient privileges/,
    'The user needs SELECT, SHOW VIEW, TRIGGER and EVENT on the database, and for routines SELECT on mysql.proc (MariaDB) or SHOW_ROUTINE (MySQL).',
  ],
  [
    /\b(1045|1698)\b/,
    'Put user and password into /root/.my.cnf below [client] (chmod 600), or name the secret by password:.',
  ],
  [/\b1049\b/, 'See "show databases"; take out of service.yaml what is gone for good.'],
  [
    /\b(2002|2003|2005|2026)\b/,
    'Is the server up, and are host: and port: right? Try "mariadb-admin ping" with the same.',
  ],
  [/unknown (option|variable)/, 'See dump_options, and "mariadb-dump --help" for what this version knows.'],
];

export function mariadbFailure(what: string, result: CommandResult): BackupError {
  return programFailure(what, result, hints);
}
