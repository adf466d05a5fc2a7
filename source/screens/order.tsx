import {Box, Text} from 'ink';
import {clean} from '../auth/facts.ts';
import {fit} from '../components/fit.ts';
import {type Column, Table} from '../components/table.tsx';
import {tones} from '../components/theme.ts';
import {
	cursorOf,
	type OrderRow,
	orderProviders,
	orderRows,
	shownAgent,
	shownDraft,
	shownOrder,
} from '../ui/rows.ts';
import {orderSourceWords, span} from '../words.ts';
import type {ScreenProps} from './screen.ts';

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
		cell: ({why, until}) => ({text: until === undefined ? why : `${why}, back in ${span(until - now)}`}),
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
	return (
		<Box flexDirection="column" height={height}>
			<Text wrap="truncate">
				{'  '}
				<Text bold>{shownAgent(state)?.id ?? '–'}</Text>
				{all.map(provider => (
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
				height={height - 2}
				empty={
					state.filter.text === ''
						? 'No profiles. Press 5 to log an account in.'
						: 'Nothing holds that. Esc shows all.'
				}
			/>
		</Box>
	);
}
