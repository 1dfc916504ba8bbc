const SECTION = '\ndiff --git ';

/** Where the parts of a patch go. All text is of one byte a character: where something stands does not depend on what it says. */
export interface PatchParts {
  /** A file of the list: `:<modes and ids> M`, and its path, or where it was and where it is. */
  listed(facts: string, paths: readonly string[]): void;
  /** A file as it is shown, from a line end before `diff --git` on; undefined where that is too long to be kept. */
  shown(section: string | undefined): void;
}

/**
 * Cuts the output of `git diff-tree --raw -z -p` into its parts, piece by piece as it comes: the list, ended by an empty
 * entry, then the sections. What is in a section begins with a mark on each line, so that nothing in it looks like the
 * next one. Each byte is looked at once, however long a part is.
 */
export class PatchCutter {
  private readonly parts: PatchParts;
  private readonly maxSection: number;
  private isListed = false;
  private facts: string | undefined;
  private paths: string[] = [];
  /** The part that has begun: an entry of the list, or a section. */
  private begun: string[] = [];
  private length = 0;
  private isInSection = false;
  /** What may be the beginning of the next section. */
  private tail = '\n';

  /** @param maxSection a longer section is not kept, in bytes */
  constructor(parts: PatchParts, maxSection: number) {
    this.parts = parts;
    this.maxSection = maxSection;
  }

  take(piece: Buffer): void {
    let text = piece.toString('latin1');
    if (!this.isListed) text = this.list(text);
    if (this.isListed && text !== '') this.sections(text);
  }

  /** @returns whether all that had begun was ended */
  end(): boolean {
    if (!this.isListed) return this.facts === undefined && this.begun.join('') === '';
    this.keep(this.tail);
    const isWhole = this.isInSection ? this.tail.endsWith('\n') : this.begun.join('') === '\n';
    this.endSection();
    return isWhole;
  }

  /** @returns what stands behind the list */
  private list(text: string): string {
    let start = 0;
    for (let nul = text.indexOf('\0'); nul !== -1; nul = text.indexOf('\0', start)) {
      const entry = this.begun.join('') + text.slice(start, nul);
      this.begun = [];
      start = nul + 1;
      if (entry === '' && this.facts === undefined) {
        this.isListed = true;
        return text.slice(start);
      }
      this.entry(entry);
    }
    this.begun.push(text.slice(start));
    return '';
  }

  private entry(entry: string): void {
    if (this.facts === undefined) {
      this.facts = entry;
      return;
    }
    this.paths.push(entry);
    if (this.paths.length < (/[RC]\d*$/.test(this.facts) ? 2 : 1)) return;
    this.parts.listed(this.facts, this.paths);
    [this.facts, this.paths] = [undefined, []];
  }

  private sections(piece: string): void {
    const text = this.tail + piece;
    let start = 0;
    for (let at = text.indexOf(SECTION); at !== -1; at = text.indexOf(SECTION, start)) {
      this.keep(text.slice(start, at + 1));
      this.endSection();
      this.isInSection = true;
      this.keep(SECTION);
      start = at + SECTION.length;
    }
    const end = Math.max(start, text.length - SECTION.length + 1);
    this.keep(text.slice(start, end));
    this.tail = text.slice(end);
  }

  private keep(text: string): void {
    this.length += text.length;
    if (this.length <= this.maxSection) this.begun.push(text);
    else this.begun = [];
  }

  private endSection(): void {
    if (this.isInSection) this.parts.shown(this.length <= this.maxSection ? this.begun.join('') : undefined);
    this.begun = [];
    this.length = 0;
  }
}
