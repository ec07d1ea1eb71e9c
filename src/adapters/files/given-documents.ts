// Documents of which some are no files: they are given at the start, by the configuration or the environment, and stay as
// they are.
import { AuthorityError } from '../../domain/errors.ts';
import type { DocumentSource } from '../../ports/platform/document-source.ts';

export interface GivenDocument {
  /** Absent when whoever was to give it did not. */
  readonly text: string | undefined;
  readonly place: string;
}

/** @param given by the names of the documents; they take the place of files that are called so. */
export function withGivenDocuments(
  files: DocumentSource,
  given: Readonly<Record<string, GivenDocument>>,
): DocumentSource {
  return {
    read: async () => {
      const texts = new Map(await files.read());
      for (const [name, { text, place }] of Object.entries(given)) {
        if (text === undefined) throw new AuthorityError('CAP-X03', { detail: `${place} is not set` });
        texts.set(name, text);
      }
      return texts;
    },
    placeOf: (name) => given[name]?.place ?? files.placeOf(name),
    onChange: (listener, options) => files.onChange(listener, options),
  };
}
