import {clean} from './auth/facts.ts';
import type {Health} from './auth/health.ts';
import type {FoundLogin} from './auth/import/find.ts';
import type {ImportHow, ImportState} from './auth/import/judge.ts';
import type {Revocation} from './auth/revoke.ts';
import type {OrderSource} from './auth/routing/order.ts';
import type {AgentSnapshot} from './auth/snapshot.ts';
import type {WriteBackFacts} from './auth/write-back.ts';
import {configOwner} from './store/config.ts';
import type {UsageStats} from './store/schema.ts';
import {stopReasons} from './store/write-back.ts';

/** How states and times are said, the same on the screen, in tables and in messages. */

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** How finely a span is said: `coarse` tells seconds below two minutes, `fine` below an hour. */
export type Detail = 'coarse' | 'fine';

/** A span of time (ms) in at most two units, rounded down: `58s`, `12m`, `3h 20m`, `9d 4h`. */
export function span(milliseconds: number, detail: Detail = 'coarse'): string {
	const ms = Math.max(0, milliseconds);
	if (ms < minute) return `${Math.floor(ms / second)}s`;
	if (tellsSeconds(ms, detail)) return `${Math.floor(ms / minute)}m ${Math.floor((ms % minute) / second)}s`;
	if (ms < hour) return `${Math.floor(ms / minute)}m`;
	if (ms < day) return two(ms, hour, 'h', minute, 'm');
	return two(ms, day, 'd', hour, 'h');
}

const spanUnits = {s: second, m: minute, h: hour, d: day} as const;

/** A span of time as a person writes it, in milliseconds: `5m`, `1.5h`. `undefined` where it is none. */
export function parseSpan(text: string): number | undefined {
	const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text.trim()) ?? [];
	const ms = spanUnits[unit as keyof typeof spanUnits];
	return ms === undefined ? undefined : Number(number) * ms;
}

/** How long ago something was: `just now`, `5m ago`, `never`. */
export function ago(at: number | undefined, now: number): string {
	if (at === undefined) return 'never';
	return now - at < second ? 'just now' : `${span(now - at)} ago`;
}

/** How long (ms) the text of a span stays as it is: when a countdown must next be drawn. */
export function spanStays(milliseconds: number, detail: Detail = 'coarse'): number {
	if (milliseconds <= 0) return Number.POSITIVE_INFINITY;
	const unit = tellsSeconds(milliseconds, detail) ? second : minute;
	return (milliseconds % unit) + 1;
}

/** How long (ms) the text of `ago` stays as it is: what counts upwards changes when its unit is full. */
export function agoStays(milliseconds: number): number {
	const unit = tellsSeconds(milliseconds, 'coarse') ? second : minute;
	return unit - (Math.max(0, milliseconds) % unit);
}

function tellsSeconds(ms: number, detail: Detail): boolean {
	return ms < (detail === 'fine' ? hour : 2 * minute);
}

/** A state as a glyph and a word: never told by colour alone. */
export interface StateWord {
	readonly glyph: string;
	readonly word: string;
	readonly tone: 'good' | 'attention' | 'bad' | 'quiet';
}

/** The state of a profile in words. */
export function stateWord(health: Health, now: number): StateWord {
	if (health.reason === 'needs_login') return {glyph: '✗', word: 'log in again', tone: 'bad'};
	if (health.renewedBy !== undefined && ['expired', 'missing'].includes(health.status)) {
		return {glyph: '✗', word: `see ${clean(health.renewedBy)}`, tone: 'bad'};
	}
	if (health.status === 'expired') return {glyph: '✗', word: 'expired', tone: 'bad'};
	if (health.status === 'missing') return {glyph: '✗', word: missingWord(health), tone: 'bad'};
	if (health.until !== undefined) {
		const word = health.reason === 'disabled' ? 'disabled' : 'cooling';
		return {glyph: '~', word: `${word} ${span(health.until - now)}`, tone: 'attention'};
	}
	if (health.waitsUntil !== undefined) {
		return {glyph: '~', word: `waits ${span(health.waitsUntil - now)}`, tone: 'attention'};
	}
	if (health.renewsOnUse) return {glyph: '↻', word: 'renews on use', tone: 'quiet'};
	if (health.status === 'expiring') return {glyph: '!', word: 'expiring', tone: 'attention'};
	if (health.status === 'static') return {glyph: '•', word: 'static', tone: 'quiet'};
	return {glyph: '✓', word: 'ok', tone: 'good'};
}

/** What was learned of a profile when it was last used, probed, renewed or logged in: `✓ 2m ago`, `✗ auth 3m ago`. */
export function provenWord(proven: UsageStats['lastProven'], now: number): string {
	if (!proven) return 'never';
	const when = ago(proven.at, now);
	if (goodOutcomes.has(proven.outcome)) return `✓ ${when}`;
	return `${badOutcomes.has(proven.outcome) ? '✗' : '•'} ${clean(proven.outcome)} ${when}`;
}

const goodOutcomes: ReadonlySet<string> = new Set(['login', 'refreshed', 'used', 'probed']);
// What is not known here, as what other programs note, is no refusal.
const badOutcomes: ReadonlySet<string> = new Set(['refused', 'auth', 'billing', 'rate_limit', 'format']);

/** The time that a token has left, as a table shows it. */
export function timeLeft(health: Health, detail: Detail = 'coarse'): string {
	if (health.remainingMs === undefined) return '–';
	return health.remainingMs > 0 ? span(health.remainingMs, detail) : 'over';
}

/** Until when nobody asks a server that asked to wait, behind the words that say so. */
export function waitWords(waitsUntil: number | undefined, now: number): string {
	return waitsUntil === undefined ? '' : ` until ${clockTime(waitsUntil)} (in ${span(waitsUntil - now)})`;
}

/** A path as a person reads it, their own folder as `~`. */
export function shortPath(path: string, home: string | undefined): string {
	return clean(home && path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : path);
}

/** How another program's login stands to what is stored. */
export const importStateWord: Readonly<Record<ImportState, string>> = {
	new: 'new',
	here: 'here already',
	newer: 'older here',
	older: 'fresher here',
	linked: 'linked',
	elsewhere: 'not in the file',
};

/** Whose another program's login is, as far as it tells. */
export function loginAccount({email, name, accountId}: FoundLogin): string {
	return email ?? name ?? accountId ?? '–';
}

/** The time that another program's token has left. */
export function loginTimeLeft({expires}: FoundLogin, now: number): string {
	if (typeof expires !== 'number') return '–';
	return expires > now ? span(expires - now) : 'over';
}

/** What taking a login over in one way means: first what is done, then what follows. */
export function importHowWords(how: ImportHow, login: FoundLogin): readonly [string, string] {
	if (how === 'link') {
		const words = `It is read where it is at each use, and ${login.label} alone refreshes it.`;
		return ['Link:', words];
	}
	return [
		'Adopt:',
		`JARVIS stores it${login.kind === 'oauth' ? ' and refreshes it from now on' : ''}. ${login.afterAdopting}`,
	];
}

/** A point in time (epoch ms) in the person's own zone, to the second. */
export function clockTime(at: number): string {
	const date = new Date(at);
	const two = (value: number) => String(value).padStart(2, '0');
	const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
	return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** Whose a profile is. */
export function ownerWords(owner: string): string {
	return owner === configOwner ? owner : `the agent ${owner}`;
}

/** An agent as one chooses it: what it is called, and how many profiles it has. */
export function agentWords({
	id,
	name,
	isDefault,
	profiles,
}: Pick<AgentSnapshot, 'id' | 'name' | 'isDefault' | 'profiles'>): string {
	const {length} = profiles;
	const many = length === 0 ? 'no credentials yet' : length === 1 ? '1 profile' : `${length} profiles`;
	const about = isDefault ? `the default one, ${many}` : many;
	return `${name === undefined || name === id ? id : `${id}, ${clean(name)}`} (${about})`;
}

/** How it stands with a program that is kept in step. */
export function writeBackState({state, stopped, problem}: WriteBackFacts): string {
	if (state === 'in_step') return '✓ in step';
	const why = problem ? ` (${problem.code})` : '';
	if (state === 'behind') return `✗ holds an older token${why}: switch it on again to write it now`;
	if (state === 'unreadable') return `✗ cannot be read${why}`;
	return stopped ? `✗ stopped: ${stopReasons[state]}` : `✗ ${stopReasons[state]}`;
}

/** A program that is kept in step, and how it stands with it. */
export function writeBackWords(link: WriteBackFacts): string {
	return clean(`${writeBackState(link)} · ${link.program} in ${link.home}`);
}

/** What came of deleting an agent that had so many bindings. */
export function deletedAgent(agentId: string, bindings: number): string {
	if (bindings === 0) return `Deleted the agent ${agentId}.`;
	const went = bindings === 1 ? 'its binding' : `its ${bindings} bindings`;
	return `Deleted the agent ${agentId} and ${went}.`;
}

function missingWord(health: Health): string {
	switch (health.reason) {
		case 'unresolved_ref':
			return 'ref unresolved';
		case 'invalid_expires':
			return 'expiry invalid';
		case 'ineligible_profile':
			return 'malformed';
		default:
			return 'no secret';
	}
}

function two(ms: number, large: number, largeName: string, small: number, smallName: string): string {
	const rest = Math.floor((ms % large) / small);
	return `${Math.floor(ms / large)}${largeName}${rest > 0 ? ` ${rest}${smallName}` : ''}`;
}

/** Where an order comes from. */
export const orderSourceWords: Readonly<Record<OrderSource, string>> = {
	store: 'the agent’s own order',
	main: 'the main agent’s order',
	config: 'auth.order in jarvis.json',
	'configured profiles': 'auth.profiles in jarvis.json',
	'all profiles': 'no explicit order',
};

/** How a browser outside reaches a login in a container, whose loopback is its own. */
export function containerWords(published: string, isBound: boolean): string {
	return isBound
		? `The container’s port must be published: ${published}`
		: `In a container: publish its port (${published}), and log in with --callback-bind 0.0.0.0`;
}

/** What came of logging a profile out. */
export function loggedOut(agentId: string, profileId: string, revocation: Revocation): string {
	const removed = `Removed ${profileId} from the agent ${agentId}`;
	switch (revocation.outcome) {
		case 'revoked':
			return `${removed}, and ended it at its server.`;
		case 'not offered':
			return `${removed}. ${revocation.hint}`;
		case 'failed':
			return `${removed}, but its server did not end it: ${revocation.why}`;
	}
}
