/**
 * Takes the password out of every URL in a text: `https://user:secret@host` → `https://user:***@host`. The last `@`
 * before the path ends it: a password that holds one unescaped is hidden too.
 */
export function redact(text: string): string {
  return text.replace(/([a-z][a-z0-9+.-]*:\/\/[^\s/:@"']*):[^\s/"']+@/gi, '$1:***@');
}
