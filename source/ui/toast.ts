import type {ActionId} from './actions.ts';
import type {Toast, UiState} from './state.ts';
import {wrapWords} from './wrap.ts';

/** How long (ms) a toast stays: long enough to read it, longer if it tells of something that went wrong. */
const staysMs: Record<Toast['tone'], number> = {good: 4000, attention: 6000, bad: 10_000};

/** How long (ms) it takes to see a message, and to read each character of it. */
const noticeMs = 1500;
const characterMs = 40;

/** What only looks around: what was said stays meanwhile. */
const looksOnly: ReadonlySet<ActionId> = new Set<ActionId>([
	...(['down', 'up', 'pageDown', 'pageUp', 'first', 'last', 'turnOn'] as const),
	...(['scrollDown', 'scrollUp', 'scrollPageDown', 'scrollPageUp'] as const),
]);

/**
 * What is told at the foot of the screen after something was said. What went wrong is not pushed away by better
 * news before it could be read: they wait behind it.
 * @param now epoch ms
 */
export function toastOf(present: Toast | undefined, tone: Toast['tone'], text: string, now: number): Toast {
	const said = {tone, text, since: now, until: now + staysMs[tone]};
	const waits = present?.tone === 'bad' && tone !== 'bad' && present.text !== text && now < readAt(present);
	return waits ? {...present, behind: {tone, text}} : said;
}

/** What is told when a toast's time is over, or it is let go. */
export function toastAfter({behind}: Toast, now: number): Toast | undefined {
	return behind && toastOf(undefined, behind.tone, behind.text, now);
}

/**
 * Whether a key lets a toast go: one that does something does, once what was told could be read. What merely
 * confirms needs no such time.
 */
export function letsGo(toast: Toast, action: ActionId, now: number): boolean {
	return !looksOnly.has(action) && (toast.tone === 'good' || now >= readAt(toast));
}

function readAt({text, since, until}: Toast): number {
	return Math.min(until, since + noticeMs + characterMs * text.length);
}

const glyphs = {good: '✓', attention: '!', bad: '✗'} as const;

/**
 * The lines of the toast. A long one takes up to three, and what went wrong as many as leave the screen its use:
 * the command that helps stands at its end.
 */
export function toastLines({toast, size}: Pick<UiState, 'toast' | 'size'>): readonly string[] {
	if (!toast) return [];
	const most = toast.tone === 'bad' ? Math.max(3, Math.floor(size.rows / 3)) : 3;
	const text = `${glyphs[toast.tone]} ${toast.text}`;
	const lines = wrapWords(text, size.columns - 2);
	if (lines.length <= most) return lines;
	// Broken a little narrower, the last line has room for the sign that it is not the end.
	const cut = wrapWords(text, size.columns - 4).slice(0, most);
	return cut.map((line, index) => (index === most - 1 ? `${line} …` : line));
}
