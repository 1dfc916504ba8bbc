/** Texts by key, at most so many characters of them together; what was not used for longest goes first. */
export class TextCache {
  private readonly texts = new Map<string, string>();
  private readonly limit: number;
  private length = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  get(key: string): string | undefined {
    const text = this.texts.get(key);
    if (text === undefined) return undefined;
    this.texts.delete(key);
    this.texts.set(key, text);
    return text;
  }

  /** Of all texts together. */
  get characters(): number {
    return this.length;
  }

  entries(): IterableIterator<[key: string, text: string]> {
    return this.texts.entries();
  }

  set(key: string, text: string): void {
    this.length += text.length - (this.texts.get(key)?.length ?? 0);
    this.texts.delete(key);
    this.texts.set(key, text);
    for (const [oldest, dropped] of this.texts) {
      if (this.length <= this.limit) return;
      this.texts.delete(oldest);
      this.length -= dropped.length;
    }
  }
}
