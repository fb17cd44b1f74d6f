import { globalOptions, helpOption, type ProgramSpec, versionOption } from '#common/cli.ts';
import { argumentCompletion, type Completion, completionOf, optionWords } from '../option-words.ts';

/** A completion file for bash. */
export function bashCompletion(spec: ProgramSpec): string {
  const name = `_${spec.name.replaceAll('-', '_')}`;
  const names = spec.commands.map((command) => command.name);
  const everywhere = [...globalOptions, helpOption, versionOption].map(([flags, text]) => optionWords([flags, text]));
  const ofCommands = spec.commands.map((command) => (command.options ?? []).map(optionWords));
  const valued = [...everywhere, ...ofCommands.flat()].filter(({ value }) => value !== undefined);
  const byCompletion = (wanted: Completion) =>
    unique(valued.filter(({ value = '' }) => completionOf(value) === wanted).map(({ long }) => `--${long}`));
  const general = everywhere.map(({ long }) => `--${long}`);
  const cases = spec.commands.map((command, index) => {
    const words = (ofCommands[index] ?? []).map(({ long }) => `--${long}`);
    return `    ${command.name}) words='${[...words, ...general].join(' ')}' ; ${compgen[argumentCompletion(command)]} ;;`;
  });
  const valueCases = (['folders', 'files', 'nothing'] as const)
    .filter((wanted) => byCompletion(wanted).length > 0)
    .map((wanted) => `    ${byCompletion(wanted).join('|')}) ${compgen[wanted]}; return ;;`);
  return `# bash completion of ${spec.name}, made from its table of commands
${name}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} word command= words
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in ${names.join('|')}) command=$word; break ;; esac
  done
  COMPREPLY=()
  case $prev in
${valueCases.join('\n')}
  esac
  case $command in
    '') words='${[...names, ...general].join(' ')}' ;;
${cases.join('\n')}
  esac
  if [[ -z $command || $cur == -* ]]; then mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur"); fi
}
complete -F ${name} ${spec.name}
`;
}

const compgen: Readonly<Record<Completion, string>> = {
  folders: 'compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$cur")',
  files: 'compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur")',
  nothing: ':',
};

function unique(words: readonly string[]): string[] {
  return [...new Set(words)];
}
