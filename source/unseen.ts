/**
 * Characters that a terminal acts on instead of showing them: control characters, and those that end a line or turn its
 * direction, so that another text is seen than there is (Unicode Technical Standard 55). All of them, to be replaced or
 * searched for: with its flag g, `test` and `exec` would go on from where they last stopped.
 */
export const unseen = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;
