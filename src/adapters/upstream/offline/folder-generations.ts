// The pairs of issuers whose folders Capstan writes. What it takes to make a key, to ask with it and to judge what came back is
// handed in: it is the same for a ceremony.
import { AuthorityError } from '../../../domain/errors.ts';
import { pathCertificatesOf, type PathCertificate } from '../../../domain/x509/path/certificate.ts';
import type {
  IssuerGenerations,
  IssuerPair,
  IssuerPairs,
  RequestedPair,
} from '../../../ports/issuing/issuer-generations.ts';
import { notTaken, pairOf, taking } from '../issuer-pair.ts';
import type { IssuerFolder, JudgeFolder, KeptPair } from './issuer-folder.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export interface FolderOfIssuer {
  readonly folder: IssuerFolder;
  /** PEM, as the folder keeps it. */
  readonly newKey: () => Promise<string>;
  readonly request: (key: string, options: Waits) => Promise<RequestedPair>;
  /** The one of the keys that the certificate is of. @throws AuthorityError CAP-X03 when none is. */
  readonly keyOf: (certificate: PathCertificate, keys: readonly string[], options: Waits) => Promise<string>;
  /** PEM of those that the chain is judged by. */
  readonly anchors: () => Promise<string>;
  /** Throws CAP-X03 with the rule that is broken, in words without a path: what is judged is thrown away with its folder. */
  readonly judge: JudgeFolder;
}

export class FolderGenerations implements IssuerGenerations {
  readonly names: readonly string[];
  readonly #folders: ReadonlyMap<string, FolderOfIssuer>;

  /** @param folders by the issuer's name. */
  constructor(folders: ReadonlyMap<string, FolderOfIssuer>) {
    this.#folders = folders;
    this.names = [...folders.keys()];
  }

  async look(name: string, { signal }: Waits): Promise<IssuerPairs> {
    signal.throwIfAborted();
    const { folder } = this.#of(name);
    const current = pairOf(await folder.current('chain'));
    const prepared = pairOf((await folder.kept('prepared'))?.chain);
    const former = pairOf((await folder.kept('former'))?.chain);
    return { ...(current && { current }), ...(prepared && { prepared }), ...(former && { former }) };
  }

  async request(name: string, options: Waits): Promise<RequestedPair> {
    const { folder, newKey, request } = this.#of(name);
    return folder.alone(async () => {
      await this.#dropUsedKey(folder);
      let key = await folder.nextKey();
      if (key === undefined) await folder.keepNextKey((key = await newKey()));
      return request(key, options);
    });
  }

  async prepare(name: string, chainPem: string, options: Waits): Promise<IssuerPair> {
    const { folder, keyOf, anchors, judge } = this.#of(name);
    const [certificate] = pathCertificatesOf(chainPem);
    const pair = pairOf(chainPem);
    if (certificate === undefined || pair === undefined) throw notTaken('it has no certificate');
    return folder.alone(async () => {
      const kept = await folder.kept('prepared');
      if (kept?.chain === chainPem) return pair;
      const keys = [await folder.nextKey(), kept?.key].flatMap((text) => text ?? []);
      const key = await taking(keyOf(certificate, keys, options));
      await folder.prepare({ chain: chainPem, key, anchors: await anchors() }, async (staged) => taking(judge(staged)));
      return pair;
    });
  }

  async activate(name: string, id: string, options: Waits): Promise<void> {
    await this.#change(name, 'prepared', id, async ({ folder, judge }) => folder.activate(judge), options);
  }

  async revert(name: string, id: string, options: Waits): Promise<void> {
    await this.#change(name, 'former', id, async ({ folder, judge }) => folder.revert(judge), options);
  }

  async discard(name: string, id: string, { signal }: Waits): Promise<void> {
    signal.throwIfAborted();
    const { folder } = this.#of(name);
    await folder.alone(async () => {
      for (const pair of ['prepared', 'former'] as const) {
        if (pairOf((await folder.kept(pair))?.chain)?.id === id) await folder.discard(pair);
      }
    });
  }

  /** Nothing where it is in force already, as after an answer that was lost. */
  async #change(
    name: string,
    pair: KeptPair,
    id: string,
    change: (of: FolderOfIssuer) => Promise<void>,
    { signal }: Waits,
  ): Promise<void> {
    signal.throwIfAborted();
    const of = this.#of(name);
    await of.folder.alone(async () => {
      if (pairOf(await of.folder.current('chain'))?.id === id) return;
      const found = pairOf((await of.folder.kept(pair))?.chain)?.id;
      if (found !== id) throw refusal(`certificate ${id} is not the ${pair} one of issuer ${name}`);
      await change(of);
    });
  }

  /** That of a pair which was kept when the process was killed: it has its certificate. */
  async #dropUsedKey(folder: IssuerFolder): Promise<void> {
    const key = await folder.nextKey();
    if (key === undefined) return;
    const used = [await folder.current('key'), (await folder.kept('prepared'))?.key];
    if (used.includes(key)) await folder.dropNextKey(key);
  }

  #of(name: string): FolderOfIssuer {
    const found = this.#folders.get(name);
    if (found !== undefined) return found;
    throw refusal(`issuer ${name} keeps no pairs: it has no \`upstream\` with a \`directory\``);
  }
}

function refusal(detail: string): AuthorityError {
  return new AuthorityError('CAP-X03', { detail });
}
