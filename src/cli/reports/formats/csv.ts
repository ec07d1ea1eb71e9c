// Comma-separated values (RFC 4180) that a spreadsheet takes for what they are.

/** What a spreadsheet would work out as a formula (owasp.org/www-community/attacks/CSV_Injection). */
const FORMULA = /^[=+\-@\t\r]/;

/** @returns the row without an end of line. A cell that looks like a formula begins with an apostrophe. */
export function csvRow(cells: readonly string[]): string {
  return cells.map((cell) => quoted(FORMULA.test(cell) ? `'${cell}` : cell)).join(',');
}

function quoted(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
