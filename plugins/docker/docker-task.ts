import { posix } from 'node:path';
import { parseDuration } from '#common/config/duration.ts';
import type { DockerOptions } from './docker-schema.ts';

/** What a task is about, whichever of two names its keys had. */
export interface DockerTask {
  /** Absolute paths of the compose files; none when compose is to find its own in the folder. */
  readonly files: readonly string[];
  readonly folder: string;
  readonly projectName: string | undefined;
  readonly mode: 'stop' | 'pause' | 'none';
  /** Undefined: as each container says. */
  readonly stopSeconds: number | undefined;
  readonly startTimeoutMs: number;
  readonly settleMs: number;
  readonly volumes: 'all' | readonly string[];
  readonly savesConfig: boolean;
  readonly pinsImages: boolean;
}

/** Relative paths of compose files count from the project's folder where that is given, else from `configFolder`. */
export function dockerTaskOf(options: DockerOptions, configFolder: string): DockerTask {
  const base = options.project_directory ?? configFolder;
  const given = options.compose_file ?? options.docker_compose_path ?? [];
  const files = [given].flat().map((file) => posix.resolve(base, file));
  return {
    files,
    folder: options.project_directory ?? posix.dirname(files[0] ?? base),
    projectName: options.project_name,
    mode: options.mode ?? (options.stop_services === false ? 'none' : 'stop'),
    stopSeconds: secondsOf(options.stop_timeout),
    startTimeoutMs: (secondsOf(options.start_timeout) ?? 0) * 1000,
    settleMs: (secondsOf(options.wait_after_restart ?? options.stop_wait_seconds) ?? 0) * 1000,
    volumes: options.volumes ?? [],
    savesConfig: options.backup_config,
    pinsImages: options.pin_images ?? options.pin_images_to_digest ?? false,
  };
}

function secondsOf(value: number | string | undefined): number | undefined {
  return typeof value === 'string' ? parseDuration(value) : value;
}
