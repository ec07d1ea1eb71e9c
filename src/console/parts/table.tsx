// A table: its first column names the row. A wide one is scrolled by itself, also with the keyboard; of a long one the first rows stand
// there, and more when somebody asks for them: all that stands there is drawn anew every few seconds, and the page answers nobody meanwhile.
import { Fragment, type ComponentChildren } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { formatCount } from '../../domain/text/format-count.ts';

export interface Row {
  readonly key: string;
  readonly cells: readonly ComponentChildren[];
  /** Of the cells, spans all columns. */
  readonly below?: ComponentChildren;
}

interface Props {
  readonly caption: string;
  readonly head: readonly string[];
  readonly rows: readonly Row[];
  /** What stands there instead of no rows. */
  readonly none: string;
  /** Columns of numbers, from 0. */
  readonly numbers?: readonly number[];
}

/** At first, and with each step. */
const AT_ONCE = 200;

export function Table({ caption, head, rows, none, numbers = [] }: Props) {
  const [most, setMost] = useState(AT_ONCE);
  const region = useRef<HTMLDivElement>(null);
  const more = rows.length - most;
  const showMore = (): void => {
    setMost(most + AT_ONCE);
    // The button goes with the last step, and whoever pressed it goes on from the table.
    if (more <= AT_ONCE) region.current?.focus();
  };
  const kind = (column: number): string | undefined => (numbers.includes(column) ? 'number' : undefined);
  if (rows.length === 0) {
    return (
      <section>
        <h2>{caption}</h2>
        <p class="none">{none}</p>
      </section>
    );
  }
  return (
    <section>
      <h2>{caption}</h2>
      <div class="scroll" role="region" aria-label={caption} tabIndex={0} ref={region}>
        <table>
          <thead>
            <tr>
              {head.map((title, column) => (
                <th key={title} scope="col" class={kind(column)}>
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, most).map(({ key, cells: [name, ...cells], below }) => (
              <Fragment key={key}>
                <tr>
                  <th scope="row">{name}</th>
                  {cells.map((cell, column) => (
                    <td key={column} class={kind(column + 1)}>
                      {cell}
                    </td>
                  ))}
                </tr>
                {below !== undefined && (
                  <tr class="below">
                    <td colSpan={head.length}>{below}</td>
                  </tr>
                )}
              </Fragment>
            ))}
          </tbody>
        </table>
      </div>
      {more > 0 && (
        <p>
          {formatCount(more)} more are not shown.{' '}
          <button type="button" aria-label={`Show more: ${caption}`} onClick={showMore}>
            Show more
          </button>
        </p>
      )}
    </section>
  );
}
