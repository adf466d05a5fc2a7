import {Box, Text, useAnimation} from 'ink';
import {clean} from '../auth/facts.ts';
import {needyCount} from '../ui/rows.ts';
import {type ScreenId, screenIds, type UiState} from '../ui/state.ts';
import {tones} from './theme.ts';

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

const titles: Record<(typeof screenIds)[number], string> = {
	agents: 'Agents',
	profiles: 'Profiles',
	order: 'Order',
	health: 'Health',
	login: 'Login',
	sessions: 'Sessions',
	log: 'Log',
};

/** What the right end of the line is left at least: the number of those that need a person. */
const statusWidth = 5;

/** The names of the screens, and what is under way or needs a person. */
export function Header({state}: {readonly state: UiState}) {
	const active = state.screen === 'help' ? state.previous : state.screen;
	return (
		<Box height={1} flexShrink={0} justifyContent="space-between">
			<Box flexShrink={0}>
				<Text bold>{state.size.columns < 88 ? '' : ' JARVIS '}</Text>
				{tabsOf(state.size.columns, active).map(tab => (
					<Text key={tab.id} bold={tab.id === active} inverse={tab.id === active}>
						{tab.label}
					</Text>
				))}
			</Box>
			<Status state={state} />
		</Box>
	);
}

/** The tabs with their names, which those at the end give up where there is no room; the active one keeps its. */
function tabsOf(columns: number, active: ScreenId): {readonly id: ScreenId; readonly label: string}[] {
	const named = new Set<ScreenId>(screenIds);
	const gap = columns < 90 ? '' : ' ';
	const tabs = () =>
		screenIds.map((id, index) => {
			const title = named.has(id) ? ` ${titles[id]}${gap}` : '';
			return {id, label: `${id === active ? '▸' : ' '}${index + 1}${title}`};
		});
	const isTooWide = () => tabs().reduce((sum, {label}) => sum + label.length, statusWidth) > columns;
	for (const id of [...screenIds].reverse()) if (id !== active && isTooWide()) named.delete(id);
	return tabs();
}

function Status({state}: {readonly state: UiState}) {
	const task = [...state.tasks.values()].at(-1);
	const needy = needyCount(state);
	if (task !== undefined) return <Working label={state.size.columns < 100 ? '' : clean(task)} />;
	const words = [
		...(state.sandbox && state.size.columns >= 78 ? ['sandbox'] : []),
		...(state.autoRefresh || state.size.columns < 100 ? [] : ['auto-refresh off']),
	];
	return (
		<Text wrap="truncate">
			{words.join(' · ')}
			{words.length > 0 && needy > 0 ? ' · ' : ''}
			{needy > 0 ? <Text {...tones.bad} bold>{`✗ ${needy}`}</Text> : null}{' '}
		</Text>
	);
}

function Working({label}: {readonly label: string}) {
	const {frame} = useAnimation({interval: 120});
	return <Text wrap="truncate">{`${frames[frame % frames.length]} ${label} `}</Text>;
}
