/**
 * A database's name as the name of a file: as it is, but for what a file cannot have (`/`, control characters, a dot in
 * front), which is written as in a URL, and `%` with it, so that no two databases get the same name.
 */
export function fileNameOf(database: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  return database.replace(/[\u0000-\u001f\u007f/%]|^\./g, encoded);
}

function encoded(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}
