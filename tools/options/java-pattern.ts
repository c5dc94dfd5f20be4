/** Java's regular expressions, as far as JavaScript's have another form. */

/** A Java expression that has to match the whole text; null when it cannot be read. */
export const javaPattern = (source: string): RegExp | null => {
  const [, flag = '', body = ''] = /^(?:\(\?(i)\))?([\s\S]*)$/.exec(source) ?? [];
  const quoted = body.replace(/\\Q([\s\S]*?)(?:\\E|$)/g, (_, plain: string) =>
    plain.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'),
  );
  try {
    return new RegExp(`^(?:${quoted})$`, flag);
  } catch {
    // The caller has Kafka's sentence for it.
    return null;
  }
};
