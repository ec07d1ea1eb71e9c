// Who of a server's processes may try a PIN that was never tried. A token locks after some wrong ones, so one tries and the others
// learn what came of it.

export interface PinTurns {
  /**
   * Waits while another process of the server tries the same PIN for the same key.
   * @param id names key and PIN, and tells neither.
   * @returns nothing where this process may try, and then says in `end` what came of it; or why the token did not take it.
   * @throws the signal's reason.
   */
  begin(id: string, options: { readonly signal: AbortSignal }): Promise<string | undefined>;
  /** @param refused why the token did not take the PIN; absent where it took it, or was not asked. */
  end(id: string, refused: string | undefined): void;
}
