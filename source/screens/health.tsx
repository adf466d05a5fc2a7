import {Box, Text} from 'ink';
import {clean} from '../auth/facts.ts';
import {bar} from '../components/bar.ts';
import {around} from '../components/fit.ts';
import {Notes, noteLines} from '../components/notes.tsx';
import {type Column, Table} from '../components/table.tsx';
import {type Tone, tones} from '../components/theme.ts';
import {detailOf, nextEventOf} from '../ui/clock.ts';
import {brokenRows, cursorOf, healthRows, needyCount, onceFor, type ProfileRow} from '../ui/rows.ts';
import type {UiState} from '../ui/state.ts';
import {clockTime, span, stateWord, timeLeft} from '../words.ts';
import type {ScreenProps} from './screen.ts';

/** The span (ms) that a full bar stands for where the lifetime is not known. */
const assumedLifetimeMs = {oauth: 3_600_000, token: 30 * 86_400_000, api_key: 30 * 86_400_000} as const;

const columns = (state: UiState): readonly Column<ProfileRow>[] => [
	{
		title: 'AGENT',
		width: state.size.columns < 80 ? 8 : 10,
		dropFirst: 0,
		cell: ({facts}) => ({text: facts.agentId, tone: 'quiet'}),
	},
	{
		title: 'PROFILE',
		width: 16,
		flexible: true,
		dropFirst: 0,
		cell: ({facts}) => ({
			text: facts.profileId,
			...(facts.link ? {end: ` ← ${clean(facts.link.program)}`} : {}),
		}),
	},
	{title: 'STATE', width: 18, dropFirst: 0, cell: row => stateCell(row, state.now)},
	{
		title: 'LEFT',
		width: 8,
		align: 'right',
		dropFirst: 0,
		cell: ({health}) => ({text: timeLeft(health, detailOf(state))}),
	},
	{
		title: '',
		width: 12,
		dropFirst: 2,
		decorative: true,
		cell: row => ({text: expiryBar(row), tone: stateCell(row, state.now).tone}),
	},
	{
		title: 'EXPIRES',
		width: 19,
		dropFirst: 3,
		cell: ({facts}) => ({
			text: typeof facts.expires === 'number' ? clockTime(facts.expires) : '–',
			tone: 'quiet',
		}),
	},
];

/** Every token of every agent, what needs attention first. */
export default function HealthScreen({state, height}: ScreenProps) {
	const rows = healthRows(state);
	const broken = brokenRows(state.snapshot.agents);
	const problems = state.snapshot.problems.map(problem => problem.message);
	const wrong = [...problems, ...broken.map(row => `${row.agentId}: ${row.profileId} ${row.problem}`)];
	const notes = noteLines(
		wrong.map(text => `✗ ${text}`),
		3,
		'd shows them',
	);
	return (
		<Box flexDirection="column" height={height}>
			<Counts state={state} rows={rows} />
			<Text wrap="truncate" dimColor>
				{`  ${nextWords(state, rows)}`}
			</Text>
			<Table
				columns={columns(state)}
				rows={rows}
				cursor={cursorOf(state, 'health', rows)}
				width={state.size.columns}
				height={height - 2 - notes.length}
				empty={
					state.filter.text === ''
						? 'No credentials yet. Press 5 to log an account in.'
						: 'Nothing holds that. Esc shows all.'
				}
			/>
			<Notes lines={notes} tone="bad" />
		</Box>
	);
}

function Counts({state, rows}: {readonly state: UiState; readonly rows: readonly ProfileRow[]}) {
	const counts = countsOf(rows, state.now);
	const need = needyCount(state);
	const parts: readonly (readonly [Tone, number, string])[] = [
		['bad', need, need === 1 ? '✗ needs you' : '✗ need you'],
		['attention', counts.get('attention') ?? 0, '! to watch'],
		['good', counts.get('good') ?? 0, '✓ ok'],
		['quiet', counts.get('quiet') ?? 0, '• static or due'],
	];
	return (
		<Text wrap="truncate">
			{'  '}
			{parts
				.filter(([, count]) => count > 0)
				.map(([tone, count, words], index) => (
					<Text key={tone}>
						{index > 0 ? '   ' : ''}
						<Text {...tones[tone]}>{`${count} ${words}`}</Text>
					</Text>
				))}
		</Text>
	);
}

function stateCell({health}: ProfileRow, now: number): {readonly text: string; readonly tone: Tone} {
	const {glyph, word, tone} = stateWord(health, now);
	return {text: `${glyph} ${word}`, tone};
}

function expiryBar({facts, health}: ProfileRow): string {
	if (health.remainingMs === undefined) return '';
	const whole = facts.expiresIn === undefined ? assumedLifetimeMs[facts.kind] : facts.expiresIn * 1000;
	return bar(health.remainingMs / whole, 12);
}

/** How many rows there are of each tone. */
const countsOf = onceFor((rows: readonly ProfileRow[], now: number): ReadonlyMap<Tone, number> => {
	const counts = new Map<Tone, number>();
	for (const row of rows) {
		const {tone} = stateCell(row, now);
		counts.set(tone, (counts.get(tone) ?? 0) + 1);
	}
	return counts;
});

/** What happens next, and when. */
function nextWords(state: UiState, rows: readonly ProfileRow[]): string {
	const {now, autoRefresh, size} = state;
	if (rows.length === 0) return '';
	const next = nextEventOf(rows, now);
	if (!next) return 'nothing is about to run out';
	const what = next.what === 'renewal' ? (autoRefresh ? 'is refreshed' : 'is due') : next.what;
	return around(
		'next: ',
		clean(next.id),
		` ${what} in ${span(next.at - now, detailOf(state))}`,
		size.columns - 2,
	);
}
