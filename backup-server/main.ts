import { runProgram } from '#common/cli.ts';
import { backupServer } from './program.ts';

await runProgram(backupServer, process.argv.slice(2));
