type Variables = Readonly<Record<string, string>>;

/** `$$`, or `$(NAME)` with whatever stands between the parentheses. */
const REFERENCE = /\$\$|\$\(([^)]*)\)/g;

/**
 * Replace `$(NAME)` by the variable's value, as Kubernetes does in a container's `args` and `env`: `$$` stands for a
 * single `$`, so `$$(NAME)` is kept from being replaced; a reference to an unknown name stays as it is. Values are not
 * expanded again.
 */
export function expand(text: string, variables: Variables): string {
  return text.replace(REFERENCE, (reference, name?: string) => {
    if (name === undefined) return '$';
    return Object.hasOwn(variables, name) ? (variables[name] ?? reference) : reference;
  });
}

/**
 * The declared environment with its references replaced: a value may refer to `base` and to what is declared before it.
 * @param options.literal values that are taken as they are (those of secrets: a `$` in a password stays one)
 */
export function expandEnvironment(
  declared: Variables,
  options: { base: Variables; literal: readonly string[] },
): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(declared)) {
    result[name] = options.literal.includes(value) ? value : expand(value, { ...options.base, ...result });
  }
  return result;
}
