import { messagesOf } from '#common/errors.ts';
import type { Asset, Collector, CollectorContext, Coverage, RecoveryContext } from '#common/plugin/collector.ts';
import { collectorOf, type Service, type Task } from '../discover.ts';
import { uncovered } from './coverage.ts';

export interface Audit {
  /** Assets of this machine that no service saves and none ignores, by kind and name. */
  readonly uncovered: readonly Asset[];
  /** Where it could not be looked, in words. */
  readonly problems: readonly string[];
}

export interface AuditTools {
  readonly collectors: readonly Collector[];
  readonly ignore: readonly string[];
  /** For looking at the machine. */
  readonly context: RecoveryContext;
  readonly contextOf: (service: Service, task: Task) => CollectorContext;
}

/** Asks every collector what is on this machine, and every task what it saves. Changes nothing. */
export async function audit(services: readonly Service[], tools: AuditTools): Promise<Audit> {
  const problems: string[] = [];
  const ask = async <T>(what: string, question: () => Promise<T> | undefined, none: T): Promise<T> => {
    try {
      return (await question()) ?? none;
    } catch (error) {
      tools.context.signal.throwIfAborted();
      problems.push(`${what}: ${messagesOf(error).join(': ')}`);
      return none;
    }
  };
  const found = tools.collectors.map(({ name, findAssets }) => ask(name, () => findAssets?.(tools.context), []));
  const tasks = services.flatMap((service) => service.tasks.map((task) => ({ service, task })));
  const saved = tasks.map(({ service, task }) => {
    const what = `${service.type}/${service.name}, ${task.key}`;
    const context = tools.contextOf(service, task);
    return ask<Coverage | undefined>(what, () => collectorOf(task).coverage?.(task.options, context), undefined);
  });
  const [assets, coverage] = await Promise.all([Promise.all(found), Promise.all(saved)]);
  const isKnown = (own: Coverage | undefined): own is Coverage => own !== undefined;
  return { uncovered: uncovered(assets.flat(), coverage.filter(isKnown), tools.ignore), problems: problems.sort() };
}
