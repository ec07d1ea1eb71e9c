// The local policies of one owner: those in force, which are the last that were good as a whole, and what is wrong
// with what stands in the files now. A folder that is gone is believed gone when it still is at a second look; of objects
// whoever keeps them says that they are gone, and that is all there is to know.
import { setImmediate } from 'node:timers/promises';
import { hash } from 'node:crypto';
import type { Problem } from '../../../domain/text/position.ts';
import { localProblems, type LocalDocument } from './assemble-policies.ts';
import { formatFailure } from '../bundle/bundle-invalid.ts';
import { parsePolicyDocuments, type ParsedDocument, type ParsedFile } from './parse-documents.ts';
import { policiesInvalid } from './policies-invalid.ts';
import { digestOf, type KeptRevision, type KeptRevisions } from './kept-revisions.ts';
import { CLUSTER_LAYER } from './owner.ts';
import type { OwnerTexts } from './read-owners.ts';

export interface OwnerPoliciesParts {
  /** Absent in development, which remembers nothing. */
  readonly kept: KeptRevisions | undefined;
  /** What an operator calls a file. */
  readonly placeOf: (name: string) => string;
  /** Reads one text; as a policy file unless said otherwise. */
  readonly parse?: ((text: string, place: string) => ParsedFile) | undefined;
  /** For how long an owner must have nothing to be believed to have nothing, in ms; as for folders unless said otherwise. */
  readonly believedGoneMs?: number | undefined;
}

interface LocalFile {
  readonly documents: readonly LocalDocument[];
  readonly problems: readonly Problem[];
}
type KnownFile = LocalFile & { readonly digest: string };
type BrokenFiles = ReadonlyMap<string, readonly Problem[]>;

/** A folder that is being replaced is not there for a moment. */
const BELIEVED_GONE_MS = 2_000;

/** Fields that a problem between documents can point at. */
const POINTED_AT = [['kind'], ['metadata', 'name'], ['metadata', 'namespace']] as const;

export class OwnerPolicies {
  readonly #owner: string;
  readonly #parts: OwnerPoliciesParts;
  /** Those in force; nothing when none was ever good, as far as anybody remembers. */
  documents: readonly LocalDocument[] | undefined;
  /** What is wrong with the files as they are. */
  problem: string | undefined;
  /** What keeps the policies in force from outliving a restart. */
  keepProblem: string | undefined;
  /** When its folder, which is not there, is believed gone, by the monotonic clock; absent while it is there. */
  goneAtMs: number | undefined;
  #digest: string | undefined;
  /** Of the copy on disk, as far as it is known. */
  #keptDigest: string | undefined;
  /** Until the first look is over. */
  #recalled: KeptRevision | undefined;
  #recallProblem: string | undefined;
  #isNew = true;
  /** By name; files that an edit leaves alone are not parsed again. As bounded as the reading is. */
  #known: ReadonlyMap<string, KnownFile> = new Map();
  /** Of objects: the texts in force. */
  #texts: ReadonlyMap<string, string> = new Map();
  /** What the last look was at, and found nothing wrong with. */
  #seen: OwnerTexts | undefined;

  constructor(owner: string, parts: OwnerPoliciesParts) {
    this.#owner = owner;
    this.#parts = parts;
  }

  /** Looks at what stands in the files, or at why it cannot be had. Never throws. */
  async look(found: OwnerTexts): Promise<void> {
    await this.#recall();
    this.goneAtMs = undefined;
    if (this.#seen === found) return;
    if ('problem' in found) await this.#refuse(formatFailure(found.problem), found.unlessNew);
    else if (found.each === true) await this.#judgeEach(found.texts);
    else await this.#judge(found.texts);
    this.#recalled = undefined;
    this.#seen = this.problem === undefined && this.keepProblem === undefined ? found : undefined;
  }

  /** Its folder is not there. @returns whether it is to be forgotten, because that has been so for a while. */
  async lookForGone(monotonicMs: number): Promise<boolean> {
    this.goneAtMs ??= monotonicMs + (this.#parts.believedGoneMs ?? BELIEVED_GONE_MS);
    if (monotonicMs >= this.goneAtMs) {
      await this.#parts.kept?.remove(this.#owner).catch(() => undefined);
      return true;
    }
    await this.#recall();
    await this.#useRecalled();
    if (this.#hadNothing()) this.documents = [];
    if (this.documents !== undefined) this.problem = undefined;
    else this.problem ??= `its folder is gone; ${this.#recallProblem}`;
    return false;
  }

  /**
   * Of an object that is broken its own last good text stays, and one that was never good is left out: an edit of one of them
   * stops no edit of another. While nothing good is known of the owner at all, it is refused like a folder.
   */
  async #judgeEach(texts: ReadonlyMap<string, string>): Promise<void> {
    const broken = (await this.#parse(texts)).broken;
    if (broken.size > 0) await this.#useRecalled();
    if (broken.size === 0 || this.documents === undefined) return this.#judge(texts, true);
    const sound = [...texts].flatMap(([name, text]): readonly (readonly [string, string])[] => {
      const last = broken.has(name) ? this.#texts.get(name) : text;
      return last === undefined ? [] : [[name, last]];
    });
    await this.#judge(new Map(sound), true);
    this.problem ??= formatFailure(policiesInvalid([...broken.values()].flat()));
  }

  async #judge(texts: ReadonlyMap<string, string>, each = false): Promise<void> {
    const digest = digestOf(this.#owner, texts);
    if (digest === this.#digest) {
      this.problem = undefined;
      return this.#keep({ digest, texts });
    }
    const { documents, problems } = await this.#parse(texts);
    const all = problems.length > 0 ? problems : localProblems(documents);
    if (all.length > 0) return this.#refuse(formatFailure(policiesInvalid(all)));
    if (!each && documents.length === 0 && (await this.#hadPolicies())) {
      const place = this.#parts.placeOf(this.#owner);
      return this.#refuse(`${place} holds no policy any more; to withdraw what it held, remove the folder`);
    }
    this.problem = undefined;
    // Kept first: who is killed in between takes up the new one, and never goes back to what says less.
    await this.#keep({ digest, texts });
    this.documents = documents;
    this.#digest = digest;
    if (each) this.#texts = texts;
  }

  /** An emptied folder looks like a mount that is late; for the cluster layer, which has none, it is an edit. */
  async #hadPolicies(): Promise<boolean> {
    if (this.#owner === CLUSTER_LAYER) return false;
    await this.#useRecalled();
    return !this.#hadNothing();
  }

  async #refuse(problem: string, unlessNew = false): Promise<void> {
    await this.#useRecalled();
    if (unlessNew && this.#hadNothing()) {
      this.documents = [];
      return;
    }
    const more = this.documents === undefined && this.#recallProblem !== undefined ? `; ${this.#recallProblem}` : '';
    this.problem = problem + more;
  }

  /** Nothing in force, nothing kept, and nothing in the way of knowing so. */
  #hadNothing(): boolean {
    if (this.documents !== undefined) return this.documents.length === 0;
    return this.problem === undefined && this.#recallProblem === undefined;
  }

  async #recall(): Promise<void> {
    if (!this.#isNew) return;
    this.#isNew = false;
    try {
      this.#recalled = await this.#parts.kept?.read(this.#owner);
      this.#keptDigest = this.#recalled?.digest;
    } catch (error) {
      this.#recallProblem = formatFailure(error);
    }
  }

  /** The copy is judged like any other text; nothing is believed for being here. */
  async #useRecalled(): Promise<void> {
    if (this.#recalled === undefined || this.documents !== undefined) return;
    const { digest, texts } = this.#recalled;
    const { documents, problems } = await this.#parse(texts);
    const all = problems.length > 0 ? problems : localProblems(documents);
    if (all.length > 0) this.#recallProblem = `what was kept of it: ${formatFailure(policiesInvalid(all))}`;
    else [this.documents, this.#digest, this.#texts] = [documents, digest, texts];
  }

  async #keep(revision: KeptRevision): Promise<void> {
    this.#recallProblem = undefined;
    if (revision.digest === this.#keptDigest) return;
    this.#keptDigest = undefined;
    try {
      await this.#parts.kept?.keep(this.#owner, revision);
      this.#keptDigest = revision.digest;
      this.keepProblem = undefined;
    } catch (error) {
      this.keepProblem = formatFailure(error);
    }
  }

  async #parse(texts: ReadonlyMap<string, string>): Promise<LocalFile & { readonly broken: BrokenFiles }> {
    const files = new Map<string, KnownFile>();
    for (const [name, text] of texts) {
      const digest = hash('sha256', text, 'hex');
      const known = this.#known.get(name);
      files.set(name, known?.digest === digest ? known : { digest, ...(await this.#parseOne(text, name)) });
    }
    this.#known = files;
    const broken = [...files].filter(([, { problems }]) => problems.length > 0);
    return {
      documents: [...files.values()].flatMap(({ documents }) => documents),
      problems: broken.flatMap(([, { problems }]) => problems),
      broken: new Map(broken.map(([name, { problems }]) => [name, problems])),
    };
  }

  /** Parsing takes long enough for others to be given their turn between two files. */
  async #parseOne(text: string, file: string): Promise<LocalFile> {
    await setImmediate();
    const { placeOf, parse = parsePolicyDocuments } = this.#parts;
    const { documents, problems } = parse(text, placeOf(file));
    return { documents: documents.map((document) => ({ ...withoutText(document), file })), problems };
  }
}

/** What is kept of each in memory is little: without the tree of its text, which is many times as large. */
function withoutText(parsed: ParsedDocument): LocalDocument {
  const { position, document, digest } = parsed;
  const positions = new Map(POINTED_AT.map((path) => [path.join('.'), parsed.locate(path)]));
  return { position, document, digest, locate: (path) => positions.get(path.join('.')) ?? position };
}
