// A table: its first column names the row. A wide one is scrolled by itself, also with the keyboard.
import type { ComponentChildren } from 'preact';

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

export function Table({ caption, head, rows, none, numbers = [] }: Props) {
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
      <div class="scroll" role="region" aria-label={caption} tabIndex={0}>
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
            {rows.map(({ key, cells: [name, ...cells], below }) => (
              <>
                <tr key={key}>
                  <th scope="row">{name}</th>
                  {cells.map((cell, column) => (
                    <td key={column} class={kind(column + 1)}>
                      {cell}
                    </td>
                  ))}
                </tr>
                {below !== undefined && (
                  <tr key={`${key} below`} class="below">
                    <td colSpan={head.length}>{below}</td>
                  </tr>
                )}
              </>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
