import { dumpOptionsOf as wordsOf } from '../database/dump-options.ts';

/** pg_dump's options that a task gives itself, or that make it ask or tell something instead. */
const refused = {
  long: ['file', 'format', 'dbname', 'host', 'port', 'username', 'password', 'no-password', 'help', 'version'],
  short: 'fFdhpUWwV?',
  shortWithValue: 'deEfFhjnNpSTtUZ',
};

export function dumpOptionsOf(taskKey: string, options: string | readonly string[] | undefined): readonly string[] {
  return wordsOf(taskKey, options, refused);
}
