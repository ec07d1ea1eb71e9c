// Documents that a test edits by hand instead of on disk.
import type { DocumentSource } from '../../../src/ports/platform/document-source.ts';

export class DocumentSet implements DocumentSource {
  readonly #texts: Map<string, string>;
  #listener: () => Promise<void> | void = () => undefined;
  /** Thrown by the next reads, as a missing file would. */
  failure: Error | undefined;

  constructor(texts: Readonly<Record<string, string>>) {
    this.#texts = new Map(Object.entries(texts));
  }

  async read(): Promise<ReadonlyMap<string, string>> {
    if (this.failure !== undefined) throw this.failure;
    return new Map(this.#texts);
  }

  placeOf(name: string): string {
    return `/etc/capstan/${name}`;
  }

  onChange(listener: () => Promise<void> | void, { signal }: { readonly signal: AbortSignal }): void {
    this.#listener = listener;
    signal.addEventListener('abort', () => (this.#listener = () => undefined), { once: true });
  }

  /** Tells nobody yet. */
  remove(name: string): void {
    this.#texts.delete(name);
  }

  /** Replaces some documents and waits until the change has been looked at. */
  async edit(texts: Readonly<Record<string, string>>): Promise<void> {
    for (const [name, text] of Object.entries(texts)) this.#texts.set(name, text);
    await this.#listener();
  }
}
