import {Text} from 'ink';
import {clean} from '../auth/facts.ts';
import {refKey} from '../auth/secrets/refs.ts';
import {type ProfileRow, shownAgent} from '../ui/rows.ts';
import type {UiState} from '../ui/state.ts';
import {turnOf} from '../ui/turn.ts';
import {ago, clockTime, ownerWords, shortPath, span, stateWord, writeBackWords} from '../words.ts';
import {fit, labelled} from './fit.ts';
import {Pane} from './pane.tsx';

const labelWidth = 11;

/** The fewest lines that the pane is best given, so that the list does not move for each profile. */
const usualHeight = {wide: 8, narrow: 11} as const;

/** How many lines the pane is best given, its border included. */
export function detailsHeight(state: UiState, row: ProfileRow, withId: boolean): number {
	const usual = isWide(state.size.columns) ? usualHeight.wide : usualHeight.narrow;
	return Math.max(usual, factRows(state, row, withId).length + 2);
}

// Two facts a line need room for two points in time.
function isWide(columns: number): boolean {
	return columns >= 110;
}

/** The details of a profile, two facts a line where there is room. Secrets are masked before they come here. */
export function ProfileDetails({
	state,
	row,
	withId,
	height,
}: {
	readonly state: UiState;
	readonly row: ProfileRow;
	/** The list has no room for its id. */
	readonly withId: boolean;
	readonly height: number;
}) {
	return (
		<Pane
			width={state.size.columns}
			height={height}
			turn={turnOf(state)}
			lines={factRows(state, row, withId).map((facts, index) => (
				<Text key={String(index)} wrap="truncate">
					{facts.map(({label, text, width}, at) => (
						<Text key={String(at)}>
							<Text dimColor>{fit(label, labelWidth)}</Text>
							{at < facts.length - 1 ? fit(text, width) : text}
						</Text>
					))}
				</Text>
			))}
		/>
	);
}

interface Fact {
	readonly label: string;
	readonly text: string;
	readonly width: number;
}

/** The lines of the details, each with what stands in it side by side. What is long goes on below. */
function factRows(state: UiState, row: ProfileRow, withId: boolean): Fact[][] {
	const {columns} = state.size;
	const count = isWide(columns) ? 2 : 1;
	const width = Math.floor((columns - 4 - 2 * (count - 1)) / count) - labelWidth;
	const id = withId ? [['profile', row.facts.profileId] as const] : [];
	const facts = [...id, ...factLines(state, row)].map(([label, text]) =>
		labelled(label, text, width).map(([first, line]) => ({label: first, text: line, width: width + 2})),
	);
	const rows = Array.from({length: Math.ceil(facts.length / count)}, (_, at) =>
		facts.slice(at * count, (at + 1) * count),
	);
	const empty = {label: '', text: '', width: width + 2};
	return rows.flatMap(beside =>
		Array.from({length: Math.max(...beside.map(lines => lines.length))}, (_, line) =>
			beside.map(lines => lines[line] ?? empty),
		),
	);
}

function factLines(state: UiState, {facts, health}: ProfileRow): (readonly [string, string])[] {
	const {now, providers} = state;
	const {usage} = facts;
	const {glyph, word} = stateWord(health, now);
	const provider = providers.find(other => other.id === facts.provider)?.label ?? facts.provider;
	const secrets = facts.secrets.map(({name, masked}) => [name.replace(' token', ''), masked] as const);
	return [
		[
			'state',
			`${glyph} ${word}${health.reason === 'ok' || health.reason === word ? '' : ` (${health.reason})`}`,
		],
		...(facts.unresolved ? [['because', facts.unresolved.message] as const] : []),
		['expires', expiry(facts.expires, now)],
		...failureLines(health, usage, now),
		['provider', provider],
		...(facts.agentId === shownAgent(state)?.id ? [] : [['owner', ownerWords(facts.agentId)] as const]),
		...(facts.link
			? [
					[
						'linked',
						facts.link.problem ??
							`to the login of ${clean(facts.link.program)} in ${shortPath(facts.link.file, state.home)}`,
					] as const,
				]
			: []),
		...(facts.writeBack ?? []).map(link => ['write-back', writeBackWords(link)] as const),
		['account', [facts.email, facts.accountId].filter(Boolean).join(' · ') || 'not known'],
		...secrets,
		...(facts.ref ? [['secret ref', refKey(facts.ref)] as const] : []),
		[
			'proven',
			usage.lastProven
				? `${provenWords[usage.lastProven.outcome] ?? usage.lastProven.outcome} ${ago(usage.lastProven.at, now)}`
				: 'never',
		],
		['last used', ago(usage.lastUsed, now)],
		[
			'renewal',
			facts.link
				? `by ${clean(facts.link.program)} alone: never refreshed here`
				: facts.refreshable
					? 'refreshed when it runs out'
					: facts.kind === 'oauth'
						? 'only by a new login'
						: 'none: it is replaced by hand',
		],
	];
}

function failureLines(health: ProfileRow['health'], usage: ProfileRow['facts']['usage'], now: number) {
	const counts = [...(usage.failureCounts ?? [])].map(([reason, count]) => `${count} × ${reason}`);
	const failures = counts.length > 0 ? [['failures', counts.join(', ')] as const] : [];
	if (health.until === undefined) return failures;
	const reason = health.reason === 'disabled' ? usage.disabledReason : usage.lastFailureReason;
	const {errorCount = 0} = usage;
	const words = [reason, errorCount > 1 ? `${errorCount} times in a row` : undefined].filter(Boolean);
	const why = words.length > 0 ? ` (${words.join(', ')})` : '';
	return [['set aside', `for ${span(health.until - now)}${why}`] as const, ...failures];
}

const provenWords: Readonly<Record<string, string>> = {
	login: 'logged in',
	refreshed: 'refreshed',
	refused: 'refused by the server',
	used: 'worked',
	probed: 'worked when probed',
	auth: 'refused in use',
	rate_limit: 'rate limited',
	billing: 'refused over billing',
	format: 'malformed request',
};

function expiry(expires: ProfileRow['facts']['expires'], now: number): string {
	if (expires === undefined) return 'never, as far as is known';
	if (expires === 'invalid') return 'not a time';
	return `${clockTime(expires)} (${expires > now ? `in ${span(expires - now)}` : ago(expires, now)})`;
}
