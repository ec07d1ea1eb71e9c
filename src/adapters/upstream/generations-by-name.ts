// The pairs of all issuers, each kept in its own way.
import { AuthorityError } from '../../domain/errors.ts';
import type { IssuerGenerations } from '../../ports/issuing/issuer-generations.ts';

/** @param all of which no two have an issuer of the same name. */
export function generationsByName(all: readonly IssuerGenerations[]): IssuerGenerations {
  const of = (name: string): IssuerGenerations => {
    const found = all.find(({ names }) => names.includes(name));
    if (found !== undefined) return found;
    throw new AuthorityError('CAP-X03', { detail: `issuer ${name} keeps no pairs: it has no \`upstream\`` });
  };
  return {
    names: all.flatMap(({ names }) => names),
    look: async (name, options) => of(name).look(name, options),
    request: async (name, options) => of(name).request(name, options),
    prepare: async (name, chainPem, options) => of(name).prepare(name, chainPem, options),
    activate: async (name, id, options) => of(name).activate(name, id, options),
    revert: async (name, id, options) => of(name).revert(name, id, options),
    discard: async (name, id, options) => of(name).discard(name, id, options),
  };
}
