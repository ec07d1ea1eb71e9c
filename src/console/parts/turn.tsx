// Below a list that goes on: to its next page, and back to the first. The place stands in the address.
import { withChoice, type Address } from '../route.ts';

interface Props {
  readonly label: string;
  readonly address: Address;
  /** What the server gave of the next page; absent on the last. */
  readonly cursor?: string | undefined;
}

export function Turn({ label, address, cursor }: Props) {
  const isFirst = !address.query.has('cursor');
  if (isFirst && cursor === undefined) return null;
  return (
    <nav class="turn" aria-label={label}>
      {!isFirst && <a href={withChoice(address, { cursor: '' })}>First page</a>}
      {cursor !== undefined && <a href={withChoice(address, { cursor })}>Next page</a>}
    </nav>
  );
}
