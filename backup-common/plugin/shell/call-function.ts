import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CommandResult } from '../../process/command.ts';
import type { Runner } from '../../process/runner.ts';
import type { ToolCommands } from '../collector.ts';
import { runPlugin } from '../run-plugin.ts';

/** Beside this file, and in what is shipped beside the bundle. */
const callScript = fileURLToPath(new URL('shell-functions/call.sh', import.meta.url));

/** One call of a function in a plugin. */
export interface FunctionCall {
  readonly plugin: string;
  /** Without it all that are defined are listed on standard output. */
  readonly fn?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly timeout?: string | undefined;
}

/** Calls a function of a plugin, see `runPlugin`. */
export function callFunction(call: FunctionCall, runner: Runner): Promise<CommandResult> {
  const { plugin, fn, args = [], env = {}, timeout } = call;
  const command = {
    file: 'bash',
    args: ['--', callScript, plugin, ...(fn === undefined ? [] : [fn, ...args])],
    env: { PLUGIN_DIR: dirname(callScript), BACKUP_NODE: process.execPath, LOG_LEVEL: '2', ...env },
    cwd: '/',
  };
  return runPlugin({ command, name: nameOf(call), timeout, isChatty: true }, runner);
}

/** A call in messages. */
function nameOf({ plugin, fn }: FunctionCall): string {
  return fn === undefined ? plugin : `${fn} of ${plugin}`;
}

/** The variables by which functions find their programs. */
export function toolVariables(tools: ToolCommands): Readonly<Record<string, string>> {
  return {
    DOCKER_CMD: tools.docker,
    DOCKER_COMMAND: tools.docker,
    GZIP_CMD: 'gzip',
    INFLUX_CMD: tools.influx,
    JQ_CMD: 'jq',
    MYSQL_DUMP_CMD: tools.mysqldump,
    PG_DUMP_CMD: tools.pg_dump,
    RSYNC_CMD: tools.rsync,
    TAR_CMD: tools.tar,
    UNIVENTION_BACKUP_CMD: tools.univention_backup,
    YQ_CMD: 'yq',
    // In a dry run nothing is called but the validation, which changes nothing.
    DRY_RUN: 'false',
    dry_run: '0',
  };
}
