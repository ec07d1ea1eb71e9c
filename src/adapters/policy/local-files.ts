// The local policies as their files stand. Files that an edit leaves alone are not parsed again, and what is
// kept of each is little: without the tree of its text, which is many times as large.
import { hash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { Problem } from '../../domain/position.ts';
import type { DocumentSource } from '../../ports/document-source.ts';
import type { LocalDocument } from './assemble-policies.ts';
import { parsePolicyDocuments, type ParsedDocument } from './parse-documents.ts';

interface LocalFile {
  readonly documents: readonly LocalDocument[];
  readonly problems: readonly Problem[];
}

/** Fields that a problem between documents can point at. */
const POINTED_AT = [['kind'], ['metadata', 'name'], ['metadata', 'namespace']] as const;

export class LocalFiles {
  /** By name; as bounded as the source is. */
  #known: ReadonlyMap<string, LocalFile & { readonly digest: string }> = new Map();

  /** @throws AuthorityError CAP-X03 when the source cannot be read; what its texts say wrong is in `problems`. */
  async read(source: DocumentSource): Promise<LocalFile> {
    const files = new Map<string, LocalFile & { readonly digest: string }>();
    for (const [name, text] of await source.read()) {
      const digest = hash('sha256', text, 'hex');
      const known = this.#known.get(name);
      if (known?.digest === digest) files.set(name, known);
      else files.set(name, { digest, ...(await parse(text, source.placeOf(name), name)) });
    }
    this.#known = files;
    return {
      documents: [...files.values()].flatMap(({ documents }) => documents),
      problems: [...files.values()].flatMap(({ problems }) => problems),
    };
  }
}

/** Parsing takes long enough for others to be given their turn between two files. */
async function parse(text: string, place: string, file: string): Promise<LocalFile> {
  await setImmediate();
  const { documents, problems } = parsePolicyDocuments(text, place);
  return { documents: documents.map((document) => ({ ...withoutText(document), file })), problems };
}

function withoutText(parsed: ParsedDocument): LocalDocument {
  const { position, document, digest } = parsed;
  const positions = new Map(POINTED_AT.map((path) => [path.join('.'), parsed.locate(path)]));
  return { position, document, digest, locate: (path) => positions.get(path.join('.')) ?? position };
}
