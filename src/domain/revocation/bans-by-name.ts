// By what a ban is found, however many there are: by each name that somebody may be concerned by. Asked for every certificate, so
// no text is put together for it.
import { OWN_CLUSTER, type Ban } from './ban.ts';

/** What may be concerned; each part absent where it is not known. */
export interface Names {
  readonly identities: readonly { readonly uri: string; readonly namespace: string | undefined }[];
  readonly node?: string | undefined;
  /** Of a certificate, and the decision that it goes back to. */
  readonly serial?: string | undefined;
  readonly proofId?: string | undefined;
  /** Absent for the server's own. */
  readonly remoteCluster?: string | undefined;
}

type Found = ReadonlyMap<string, readonly Ban[]>;

export class BansByName {
  readonly #serials = new Map<string, Ban[]>();
  readonly #proofs = new Map<string, Ban[]>();
  readonly #identities = new Map<string, Ban[]>();
  readonly #namespaces = new Map<string, Ban[]>();
  readonly #nodes = new Map<string, Ban[]>();
  readonly #size: number;

  constructor(bans: readonly Ban[]) {
    this.#size = bans.length;
    for (const ban of bans) this.#add(ban);
  }

  /** @returns one that concerns one of the names and is as asked; nothing where there is none. */
  find(names: Names, isMeant: (ban: Ban) => boolean): Ban | undefined {
    if (this.#size === 0) return undefined;
    let found: Ban | undefined;
    this.#each(names, (ban) => {
      if (found === undefined && isMeant(ban)) found = ban;
    });
    return found;
  }

  /** @returns all that concern one of the names and are as asked; one may be there twice. */
  all(names: Names, isMeant: (ban: Ban) => boolean): readonly Ban[] {
    const found: Ban[] = [];
    this.#each(names, (ban) => isMeant(ban) && found.push(ban));
    return found;
  }

  #each({ identities, node, serial, proofId, remoteCluster }: Names, visit: (ban: Ban) => void): void {
    const visitThere = (found: Found, name: string | undefined): void => {
      if (found.size === 0 || name === undefined) return;
      for (const ban of found.get(name) ?? NONE) if (isIn(ban, remoteCluster)) visit(ban);
    };
    for (const { uri, namespace } of identities) {
      visitThere(this.#identities, uri);
      visitThere(this.#namespaces, namespace);
    }
    visitThere(this.#nodes, node);
    visitThere(this.#serials, serial);
    visitThere(this.#proofs, proofId);
  }

  #add(ban: Ban): void {
    const { target } = ban;
    switch (target.kind) {
      case 'serial':
        put(this.#serials, target.serial, ban);
        put(this.#proofs, target.proofId, ban);
        return;
      case 'identity':
        put(this.#identities, target.identity, ban);
        return;
      case 'namespace':
        put(this.#namespaces, target.namespace, ban);
        return;
      case 'node':
        put(this.#nodes, target.node, ban);
    }
  }
}

const NONE: readonly Ban[] = [];

function put(bans: Map<string, Ban[]>, name: string, ban: Ban): void {
  const same = bans.get(name);
  if (same === undefined) bans.set(name, [ban]);
  else same.push(ban);
}

/** A certificate is the same wherever it is shown. */
function isIn({ target }: Ban, remoteCluster: string | undefined): boolean {
  if (target.kind === 'serial' || target.cluster === undefined) return true;
  return target.cluster === (remoteCluster ?? OWN_CLUSTER);
}
