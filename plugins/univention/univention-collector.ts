import { join } from 'node:path';
import { parseDuration } from '#common/config/duration.ts';
import { BackupError } from '#common/errors.ts';
import type { Collector, CollectorContext, RecoveryContext, ServiceArchive } from '#common/plugin/collector.ts';
import type { Command } from '#common/process/command.ts';
import { isProgram } from '../command/find-program.ts';
import { type Hints, programFailure } from '../database/program-failure.ts';
import { runProgram } from '../database/run-program.ts';
import { filesCollector } from '../files/files-collector.ts';
import { type FilesOptions, filesSchema } from '../files/files-schema.ts';
import { dumpsIn, newestOf } from './system-dump.ts';
import { type UniventionOptions, univentionSchema } from './univention-schema.ts';

const asset = { kind: 'Univention system', name: 'univention-backup' };

/** A new system dump, to `univention_system_dump/`, and files, to `custom_files_data/`. */
export const univentionCollector: Collector<UniventionOptions> = {
  name: 'univention',
  taskKeys: ['univention'],
  phase: 'live',
  schema: univentionSchema,
  unitLines: ({ dump_folder }) => [`ReadWritePaths=-${dump_folder}`],

  async check(options, context) {
    const [program = ''] = wordsOf(context.tools.univention_backup);
    if (!isProgram(program, '/')) throw noProgram(program);
    if (options.custom_paths.length > 0) await filesCollector.check?.(filesTaskOf(options), context);
  },

  async collect(options, context, archive) {
    await collectDump(options, context, archive);
    if (options.custom_paths.length === 0) return;
    await filesCollector.collect(filesTaskOf(options), context, withFilesIn('custom_files_data', archive));
  },

  async findAssets({ tools }: RecoveryContext) {
    const [program = ''] = wordsOf(tools.univention_backup);
    return isProgram(program, '/') ? [{ ...asset, path: univentionSchema.properties.dump_folder.default }] : [];
  },

  coverage: async ({ custom_paths }) => ({
    assets: [asset],
    paths: custom_paths.map((listed) => (typeof listed === 'string' ? listed : listed.path)),
  }),
};

async function collectDump(
  { univention_backup_options, dump_folder, timeout }: UniventionOptions,
  context: CollectorContext,
  archive: ServiceArchive,
): Promise<void> {
  const before = await dumpsIn(dump_folder);
  const [file = '', ...words] = wordsOf(context.tools.univention_backup);
  const timeoutMs = (parseDuration(timeout) ?? 0) * 1000;
  const command = { file, args: [...words, ...wordsOf(univention_backup_options)], timeoutMs };
  await runProgram(context.runner, command, 'univention: univention-backup', []);
  const dump = newestOf(await dumpsIn(dump_folder), before);
  if (dump === undefined) throw noDump(dump_folder);
  const source = join(dump_folder, dump.name);
  await requireWhole({ file: context.tools.tar, args: ['--list', '--file', source], timeoutMs }, source, context);
  await archive.addTree({ source, as: `univention_system_dump/${dump.name}` });
}

/** Reads the dump to its end; what tar says of its content is of no use. */
async function requireWhole(list: Command, source: string, { runner }: CollectorContext): Promise<void> {
  const program = runner.start(list);
  program.stdin.end();
  program.stdout.resume();
  const result = await program.done;
  if (result.exitCode !== 0) throw programFailure(`univention: ${source} is no whole dump: tar`, result, damaged);
}

const damaged: Hints = [[/./, 'Is the disk full? See the log of univention-backup, and try it by hand.']];

/** The other options of a files task are as when they are left out. */
function filesTaskOf({ custom_paths, custom_exclude }: UniventionOptions): FilesOptions {
  const defaults = Object.entries(filesSchema.properties).flatMap(([key, property]) =>
    'default' in property ? [[key, property.default]] : [],
  );
  return { ...Object.fromEntries(defaults), paths: custom_paths, exclude: custom_exclude } as FilesOptions;
}

/** An archive that has below another folder what a files task has below `data`. */
function withFilesIn(folder: string, archive: ServiceArchive): ServiceArchive {
  return {
    addTree: (request) => archive.addTree({ ...request, as: request.as.replace(/^data\//, `${folder}/`) }),
    addStream: (request) => archive.addStream(request),
  };
}

/** A text is split at blanks. */
function wordsOf(words: string | readonly string[]): readonly string[] {
  return typeof words === 'string' ? words.split(/\s+/).filter((word) => word !== '') : words;
}

function noProgram(program: string): BackupError {
  return new BackupError(`univention: there is no program ${program}`, {
    hint: 'Is this machine a Univention Corporate Server? Else set its path: tools.univention_backup_cmd.',
  });
}

function noDump(folder: string): BackupError {
  return new BackupError(`univention: univention-backup ended well and left no new .tar.gz or .tar.bz2 in ${folder}`, {
    hint: 'Where does it leave its dumps? Name that folder by dump_folder.',
  });
}
