import { runProgram } from '#common/cli.ts';
import { localBackup } from './program.ts';

await runProgram(localBackup, process.argv.slice(2));
