import {Box, Text} from 'ink';
import stringWidth from 'string-width';
import {clean} from '../auth/facts.ts';
import {fit, wrapWords} from '../components/fit.ts';
import {Pane} from '../components/pane.tsx';
import {type Column, Table} from '../components/table.tsx';
import {tones} from '../components/theme.ts';
import {
	cursorOf,
	type OrderRow,
	orderProviders,
	orderRows,
	selected,
	shownAgent,
	shownDraft,
	shownOrder,
} from '../ui/rows.ts';
import {turnOf} from '../ui/turn.ts';
import {orderSourceWords, span} from '../words.ts';
import type {ScreenProps} from './screen.ts';

/** The fewest lines that the list is left, its head included. */
const listLines = 4;

const columns = (now: number): readonly Column<OrderRow>[] => [
	{
		title: '#',
		width: 2,
		align: 'right',
		dropFirst: 0,
		cell: ({place}) => ({text: place === undefined ? '–' : String(place)}),
	},
	{title: 'PROFILE', width: 24, flexible: true, dropFirst: 0, cell: ({profileId}) => ({text: profileId})},
	{
		title: 'WHY HERE',
		width: 26,
		flexible: true,
		dropFirst: 0,
		cell: row => ({text: whyWords(row, now)}),
	},
	{
		title: 'REASON',
		width: 22,
		dropFirst: 1,
		cell: ({reason, place}) => ({
			text: reason,
			tone: reason === 'ok' ? 'good' : place === undefined ? 'bad' : 'attention',
		}),
	},
];

/** In which order a provider's profiles are tried, and why each stands where it stands. */
export default function OrderScreen({state, height}: ScreenProps) {
	const {all, shown} = orderProviders(state);
	const order = shownOrder(state);
	const rows = orderRows(state);
	const row = selected(state, 'order', rows);
	const start = firstShown(all, shown, state.size.columns - stringWidth(shownAgent(state)?.id ?? '') - 4);
	const told = row ? wordsOf(row, state.now).flatMap(text => wrapWords(text, state.size.columns - 4)) : [];
	const pane = told.length === 0 ? 0 : Math.min(told.length + 2, Math.max(3, height - 2 - listLines));
	return (
		<Box flexDirection="column" height={height}>
			<Text wrap="truncate">
				{'  '}
				<Text bold>{shownAgent(state)?.id ?? '–'}</Text>
				{start > 0 && <Text dimColor>{'  …'}</Text>}
				{all.slice(start).map(provider => (
					<Text
						key={provider}
						bold={provider === shown}
						underline={provider === shown}
						dimColor={provider !== shown}
					>
						{'  '}
						{provider === shown ? `[${clean(provider)}]` : clean(provider)}
					</Text>
				))}
			</Text>
			<Text wrap="truncate" {...(shownDraft(state) ? tones.attention : tones.quiet)}>
				{fit(
					shownDraft(state)
						? '  ! not saved yet: s saves, Esc drops it'
						: `  from: ${order ? orderSourceWords[order.source] : '–'}`,
					state.size.columns,
				)}
			</Text>
			<Table
				columns={columns(state.now)}
				rows={rows}
				cursor={cursorOf(state, 'order', rows)}
				width={state.size.columns}
				height={height - 2 - pane}
				empty={
					state.filter.text === ''
						? 'No profiles. Press 5 to log an account in.'
						: 'Nothing holds that. Esc shows all.'
				}
			/>
			{pane > 0 && (
				<Pane
					width={state.size.columns}
					height={pane}
					turn={turnOf(state)}
					lines={told.map((line, index) => (
						<Text key={line + String(index)} wrap="truncate">
							{line}
						</Text>
					))}
				/>
			)}
		</Box>
	);
}

function whyWords({why, until}: OrderRow, now: number): string {
	return until === undefined ? why : `${why}, back in ${span(until - now)}`;
}

/** All that a row says, which may have no room in it. */
function wordsOf(row: OrderRow, now: number): readonly string[] {
	const {profileId, reason} = row;
	return [profileId, whyWords(row, now) + (reason === 'ok' ? '' : ` (${reason})`)];
}

/** The first provider that is named above the list, so that the one that is shown is in view. */
function firstShown(all: readonly string[], shown: string | undefined, columns: number): number {
	const last = all.indexOf(shown ?? '');
	const width = (from: number) =>
		all
			.slice(from, last + 1)
			.reduce((sum, provider) => sum + 2 + stringWidth(clean(provider)), 2 + (from > 0 ? 3 : 0));
	let start = 0;
	while (start < last && width(start) > columns) start += 1;
	return start;
}
