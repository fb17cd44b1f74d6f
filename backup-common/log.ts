/** What the code logs to: an object of bindings first where there is one, then the message. */
export interface Log {
  debug(bindings: object, message: string): void;
  debug(message: string): void;
  info(bindings: object, message: string): void;
  info(message: string): void;
  warn(bindings: object, message: string): void;
  warn(message: string): void;
  error(bindings: object, message: string): void;
  error(message: string): void;
  child(bindings: object): Log;
}
