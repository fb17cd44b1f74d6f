import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execaRunner } from '#common/process/execa-runner.ts';
import type { FakeAnswer, FakeProgram } from './fake-programs.ts';
import { copyFolder, dumpStream, packStream, unpackFolder, unpackStream } from './fake-zfs-stream.ts';

type ObjectType = 'filesystem' | 'volume' | 'snapshot' | 'bookmark';

/** A dataset, snapshot or bookmark; all properties that are set are "local". */
interface ZfsObject {
  readonly type: ObjectType;
  readonly guid: bigint;
  readonly properties: Record<string, string>;
  isHeld?: boolean;
  mountedAt?: string;
}

/** The options of each verb that take a value. */
const valued: Readonly<Record<string, string>> = {
  create: 'oV',
  get: 'odst',
  list: 'dot',
  'load-key': 'L',
  send: 'i',
  snapshot: 'o',
};

/** By their letter; those with a value have all that were given. */
type Options = Readonly<Record<string, readonly string[]>>;

class Failure extends Error {}

/**
 * Stands for ZFS where its kernel module cannot be had. A dataset is a folder, a snapshot a copy of it below
 * `.zfs/snapshot`, a stream such a copy with a line before and one after it; nothing is encrypted. Messages and exit codes
 * are those of OpenZFS 2.3.
 */
export class FakeZfs {
  readonly #objects = new Map<string, ZfsObject>();
  #count = 0n;
  #output: (string | Buffer)[] = [];

  /** `home` is for datasets that are not mounted. */
  constructor(private readonly home: string) {}

  /** What is to be put on PATH. */
  readonly programs: Readonly<Record<string, FakeProgram>> = {
    zfs: async ([verb = '', ...words], input) => this.#answer(() => this.#run(verb, words, input)),
    zstream: async (_args, input) => dumpStream(input),
    mount: (args) => this.#mount(args),
    findmnt: (args) => this.#findmnt(args),
  };

  async #answer(run: () => Promise<void>): Promise<FakeAnswer> {
    this.#output = [];
    try {
      await run();
      return { stdout: Buffer.concat(this.#output.map((part) => Buffer.from(part))) };
    } catch (error) {
      if (error instanceof Failure) return { exitCode: 1, stderr: `${error.message}\n` };
      throw error;
    }
  }

  async #run(verb: string, words: readonly string[], input: Buffer): Promise<void> {
    const { options, names } = parse(verb, words);
    const [first = '', second = ''] = names;
    switch (verb) {
      case 'create':
        return this.#create(options, first);
      case 'list':
        return this.#list(options, names[0]);
      case 'get':
        return this.#get(options, first, second);
      case 'set':
        return this.#change(second, propertiesOf([first]));
      case 'load-key':
        return this.#change(first, { keystatus: 'available' });
      case 'unload-key':
        return this.#change(first, { keystatus: 'unavailable' });
      case 'snapshot':
        return this.#snapshot(options, first);
      case 'destroy':
        return this.#destroy(options, first);
      case 'hold':
      case 'release':
        this.#object(second).isHeld = verb === 'hold';
        return;
      case 'bookmark':
        this.#add(second, 'bookmark', {}, this.#object(first).guid);
        return;
      case 'send':
        return this.#send(options, first);
      case 'receive':
        return this.#receive(first, input);
      default:
        throw new Error(`nothing stands for zfs ${verb}`);
    }
  }

  #add(name: string, type: ObjectType, properties: Record<string, string>, guid?: bigint): void {
    this.#count += 1n;
    this.#objects.set(name, { type, guid: guid ?? 10n ** 18n + this.#count, properties });
  }

  #object(name: string): ZfsObject {
    const found = this.#objects.get(name);
    if (found === undefined) throw new Failure(`cannot open '${name}': dataset does not exist`);
    return found;
  }

  /** It and all datasets below it. */
  #datasets(name: string): string[] {
    const all = [...this.#objects].filter(([, { type }]) => type === 'filesystem' || type === 'volume');
    return all.map(([other]) => other).filter((other) => name === '' || other === name || other.startsWith(`${name}/`));
  }

  /** A property that is not set is inherited, a mountpoint with the rest of the name. */
  #property(name: string, key: string): string {
    const { type, properties } = this.#object(name);
    if (type === 'volume' && ['mounted', 'mountpoint', 'canmount'].includes(key)) return '-';
    if (key === 'mounted') return this.#isMounted(name) ? 'yes' : 'no';
    const slash = name.lastIndexOf('/');
    if (key === 'mountpoint' && properties[key] === undefined && slash > 0) {
      const above = this.#property(name.slice(0, slash), key);
      return above.startsWith('/') ? above + name.slice(slash) : above;
    }
    return properties[key] ?? defaults[key] ?? '-';
  }

  #isMounted(name: string): boolean {
    const [place, canmount, key] = ['mountpoint', 'canmount', 'keystatus'].map((each) => this.#property(name, each));
    return place?.startsWith('/') === true && canmount === 'on' && key !== 'unavailable';
  }

  #folderOf(name: string): string {
    return this.#isMounted(name)
      ? this.#property(name, 'mountpoint')
      : join(this.home, 'unmounted', name.replaceAll('/', '+'));
  }

  #snapshotFolder(full: string): string {
    const [name = '', tag = ''] = full.split('@');
    return join(this.#folderOf(name), '.zfs/snapshot', tag);
  }

  async #create({ o = [], V }: Options, name: string): Promise<void> {
    const given = propertiesOf(o);
    const properties = 'encryption' in given ? { ...given, encryption: 'aes-256-gcm', keystatus: 'available' } : given;
    this.#add(name, V === undefined ? 'filesystem' : 'volume', properties);
    await mkdir(this.#folderOf(name), { recursive: true });
  }

  /** The data of a dataset lies elsewhere while it is not mounted. */
  async #change(name: string, properties: Record<string, string>): Promise<void> {
    const before = this.#folderOf(name);
    Object.assign(this.#object(name).properties, properties);
    if (this.#folderOf(name) === before) return;
    await copyFolder(before, this.#folderOf(name), []);
    await rm(before, { recursive: true });
  }

  #list({ t = ['filesystem'], o = [], r, d }: Options, name?: string): void {
    if (name !== undefined) this.#object(name);
    const types = (t[0] ?? '').split(',');
    const isChosen = (other: string): boolean =>
      name === undefined ||
      other === name ||
      (r !== undefined && isBelow(other, name)) ||
      (d !== undefined && isOf(other, name));
    for (const [other, { type, guid }] of [...this.#objects].sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (!types.includes(type) || !isChosen(other)) continue;
      const own: Readonly<Record<string, string>> = { name: other, guid: String(guid), type };
      this.#print((o[0] ?? '').split(',').map((column) => own[column] ?? this.#property(other, column)));
    }
  }

  #get({ t = [], r }: Options, key: string, name: string): void {
    const { properties } = this.#object(name);
    if (key === 'all') {
      const inner = ['encryption', 'keystatus'];
      for (const [own, value] of Object.entries(properties)) if (!inner.includes(own)) this.#print([own, value]);
      return;
    }
    for (const [other, object] of this.#objects) {
      const isChosen = object.type === t[0] && (r === undefined ? isOf(other, name) : isBelow(other, name));
      const value = object.properties[key];
      if (isChosen && value !== undefined) this.#print([other, value]);
    }
  }

  #print(columns: readonly string[]): void {
    this.#output.push(`${columns.join('\t')}\n`);
  }

  async #snapshot({ r, o = [] }: Options, full: string): Promise<void> {
    const [name = '', tag] = full.split('@');
    this.#object(name);
    const names = r === undefined ? [name] : this.#datasets(name);
    const taken = names.filter((each) => this.#objects.has(`${each}@${tag}`));
    if (taken.length > 0) {
      const lines = taken.map((each) => `cannot create snapshot '${each}@${tag}': dataset already exists`);
      throw new Failure([...lines, 'no snapshots were created'].join('\n'));
    }
    for (const each of names) {
      this.#add(`${each}@${tag}`, 'snapshot', propertiesOf(o));
      const below = this.#datasets(each).filter((other) => other !== each);
      await copyFolder(
        this.#folderOf(each),
        this.#snapshotFolder(`${each}@${tag}`),
        below.map((other) => this.#folderOf(other)),
      );
    }
  }

  async #destroy({ r }: Options, full: string): Promise<void> {
    if (full.includes('#')) {
      this.#objects.delete(full);
      return;
    }
    const [name = '', tag] = full.split('@');
    this.#object(name);
    const names = (r === undefined ? [name] : this.#datasets(name)).map((each) => `${each}@${tag}`);
    const found = names.filter((each) => this.#objects.has(each));
    if (found.length === 0) throw new Failure('could not find any snapshots to destroy; check snapshot names.');
    const mounts = readFileSync('/proc/self/mounts', 'utf8');
    for (const each of found) {
      const { isHeld = false, mountedAt = '?' } = this.#object(each);
      const inUse = isHeld ? `it's being held. Run 'zfs holds -r ${each}' to see holders.` : 'dataset is busy';
      if (isHeld || mounts.includes(` ${mountedAt} `)) throw new Failure(`cannot destroy snapshot ${each}: ${inUse}`);
    }
    for (const each of found) {
      const folder = this.#snapshotFolder(each);
      await rm(folder, { recursive: true });
      this.#objects.delete(each);
      if (readdirSync(join(folder, '..')).length > 0) continue;
      for (const empty of ['..', '../..']) await rmdir(join(folder, empty));
    }
  }

  async #send({ i = [] }: Options, full: string): Promise<void> {
    const { guid } = this.#object(full);
    const [name = '', tag = ''] = full.split('@');
    const [base] = i;
    if (base !== undefined && !this.#objects.has(base)) {
      throw new Failure(`warning: cannot send '${full}': incremental source (${base}) does not exist`);
    }
    const from = base === undefined ? '0' : String(this.#object(base).guid);
    const begin = { type: this.#object(name).type, guid: String(guid), from, tag };
    this.#output.push(await packStream(begin, this.#snapshotFolder(full)));
  }

  /** Into a new dataset, or on top of the snapshot that the stream begins at. */
  async #receive(name: string, input: Buffer): Promise<void> {
    const { begin, packed } = unpackStream(input);
    const snapshots = [...this.#objects].filter(([other, { type }]) => type === 'snapshot' && isOf(other, name));
    if (begin.from === '0') {
      if (this.#objects.has(name))
        throw new Failure(`cannot receive new filesystem stream: destination '${name}' exists`);
      this.#add(name, begin.type === 'volume' ? 'volume' : 'filesystem', {});
    } else if (!snapshots.some(([, { guid }]) => String(guid) === begin.from)) {
      throw new Failure('cannot receive incremental stream: most recent snapshot does not match incremental source');
    }
    await unpackFolder(packed, this.#folderOf(name));
    await this.#snapshot({}, `${name}@${begin.tag}`);
    const made = this.#object(`${name}@${begin.tag}`);
    this.#objects.set(`${name}@${begin.tag}`, { ...made, guid: BigInt(begin.guid) });
  }

  /** `mount -t zfs -o ro SNAPSHOT FOLDER` binds the folder of the snapshot; anything else is for the real one. */
  async #mount(args: readonly string[]): Promise<FakeAnswer> {
    const [full = '', folder = ''] = args.slice(-2);
    const snapshot = this.#objects.get(full);
    if (snapshot === undefined) return realAnswer('/usr/bin/mount', args);
    snapshot.mountedAt = folder;
    return realAnswer('/usr/bin/mount', ['--bind', '-o', 'ro', this.#snapshotFolder(full), folder]);
  }

  /** The real one's answer, with datasets and snapshots as what they stand for. */
  async #findmnt(args: readonly string[]): Promise<FakeAnswer> {
    const { stdout = '' } = await realAnswer('/usr/bin/findmnt', args);
    const real: { readonly filesystems: readonly { readonly target: string }[] } = JSON.parse(stdout.toString());
    const shown = (source: string) => ({ source, fstype: 'zfs', fsroot: '/' });
    const mounts = real.filesystems.map((each) => {
      const snapshot = [...this.#objects].find(([, { mountedAt }]) => mountedAt === each.target);
      return snapshot === undefined ? each : { ...each, ...shown(snapshot[0]) };
    });
    const mounted = this.#datasets('').filter((name) => this.#isMounted(name));
    const datasets = mounted.map((name) => ({ target: this.#folderOf(name), ...shown(name) }));
    return { stdout: JSON.stringify({ filesystems: [...mounts, ...datasets] }) };
  }
}

const defaults: Readonly<Record<string, string>> = { canmount: 'on', encryption: 'off' };

function parse(
  verb: string,
  words: readonly string[],
): { readonly options: Options; readonly names: readonly string[] } {
  const left = [...words];
  const options: Record<string, readonly string[]> = {};
  const names: string[] = [];
  for (let word = left.shift(); word !== undefined; word = left.shift()) {
    const letter = word[1] ?? '';
    if (!word.startsWith('-')) names.push(word);
    else if (valued[verb]?.includes(letter) === true)
      options[letter] = [...(options[letter] ?? []), left.shift() ?? ''];
    else for (const each of word.slice(1)) options[each] = [];
  }
  return { options, names };
}

function propertiesOf(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(texts.map((text) => [text.split('=')[0] ?? '', text.slice(text.indexOf('=') + 1)]));
}

function isOf(name: string, dataset: string): boolean {
  return name.startsWith(`${dataset}@`) || name.startsWith(`${dataset}#`);
}

function isBelow(name: string, dataset: string): boolean {
  return name === dataset || isOf(name, dataset) || name.startsWith(`${dataset}/`);
}

async function realAnswer(file: string, args: readonly string[]): Promise<FakeAnswer> {
  const { exitCode = 1, stdout, stderr } = await execaRunner().run({ file, args });
  return { exitCode, stdout, stderr };
}
