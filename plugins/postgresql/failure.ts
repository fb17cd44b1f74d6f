import type { BackupError } from '#common/errors.ts';
import type { CommandResult } from '#common/process/command.ts';
import { type Hints, programFailure } from '../database/program-failure.ts';

const hints: Hints = [
  [
    /server version mismatch/,
    "Install the client programs of the server's version, or set tools.pg_dump_cmd to its pg_dump.",
  ],
  [
    /password authentication failed|no password supplied/,
    'Put "host:port:database:role:password" into /root/.pgpass (chmod 600), or name the secret by password:.',
  ],
  [
    /(peer|ident) authentication failed/i,
    'By a socket the account run_as: must be one that the server knows as the role; or give host: localhost and a password.',
  ],
  [/database "[^"]*" does not exist/, 'See "psql --list"; take out of service.yaml what is gone for good.'],
  [/role "[^"]*" does not exist/, 'See "psql --command=\\du" for the roles, and user: in service.yaml.'],
  [/permission denied/, 'The role must be able to read all of it: GRANT pg_read_all_data TO it, or a superuser.'],
  [
    /connection to server|could not connect|starting up|shutting down/,
    'Is the server up, and are host: and port: right? Try "pg_isready" with the same.',
  ],
];

export function postgresqlFailure(what: string, result: CommandResult): BackupError {
  return programFailure(what, result, hints);
}
