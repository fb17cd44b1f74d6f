import type { Command } from '#common/process/command.ts';
import type { RedisOptions } from './redis-schema.ts';

export type Address = Pick<RedisOptions, 'host' | 'port' | 'socket' | 'user' | 'tls' | 'tls_ca_file'>;

/** A command for the server; its answer goes to standard output, an error of the server too. */
export function redisCli(address: Address, words: readonly string[]): Command {
  return { file: 'redis-cli', args: [...wordsOf(address), ...words] };
}

/** Has the data sent into a file. Not to standard output: there 40 bytes would follow that end the transfer. */
export function sendRdb(address: Address, file: string): Command {
  return redisCli(address, ['--rdb', file]);
}

/** What an error of the server begins with: `NOAUTH Authentication required.` Answers to our questions never do. */
export function errorIn(answer: string): string | undefined {
  return /^(?:\(error\) )?((?:ERR|NO[A-Z]+|WRONGPASS|LOADING|MISCONF|BUSY|DENIED) .*)/.exec(answer)?.[1];
}

/** `key:value` lines, as INFO answers. */
export function parseInfo(answer: string): ReadonlyMap<string, string> {
  const lines = answer.split(/\r?\n/).filter((line) => /^[a-z]\w*:/.test(line));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]));
}

/** Names and values in turn, each on a line, as CONFIG GET answers. */
export function parseSettings(answer: string): ReadonlyMap<string, string> {
  const lines = answer.split('\n');
  return new Map(lines.flatMap((name, index) => (index % 2 === 0 ? [[name, lines[index + 1] ?? '']] : [])));
}

function wordsOf({ host, port, socket, user, tls, tls_ca_file }: Address): string[] {
  return [
    ...(socket === undefined ? ['-h', host, '-p', String(port)] : ['-s', socket]),
    ...(user === undefined ? [] : ['--user', user]),
    ...(tls ? ['--tls'] : []),
    ...(tls_ca_file === undefined ? [] : ['--cacert', tls_ca_file]),
  ];
}
