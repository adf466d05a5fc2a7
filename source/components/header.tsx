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
	import: 'Import',
};

/** The columns that are kept for what needs a person. */
const statusColumns = 4;

/** The names of the screens, and what is under way or needs a person. */
export function Header({state}: {readonly state: UiState}) {
	const active = state.screen === 'help' ? state.previous : state.screen;
	const {columns} = state.size;
	const name = columns < 80 ? '' : ' JARVIS ';
	const labels = tabLabels(active, columns - name.length - statusColumns);
	return (
		<Box height={1} flexShrink={0} justifyContent="space-between">
			<Box flexShrink={0}>
				<Text bold>{name}</Text>
				{screenIds.map((id, index) => (
					<Text key={id} bold={id === active} inverse={id === active}>
						{labels[index]}
					</Text>
				))}
			</Box>
			<Status state={state} />
		</Box>
	);
}

/** The names of the screens in so many columns: with room between them, else so far cut that they fit. */
function tabLabels(active: ScreenId, columns: number): readonly string[] {
	const cut = (letters: number, end: string) =>
		screenIds.map((id, index) => {
			const isActive = id === active;
			const title = isActive ? titles[id] : titles[id].slice(0, letters);
			return `${isActive ? '▸' : ' '}${index + 1}${title === '' ? '' : ` ${title}`}${end}`;
		});
	const longest = Math.max(...screenIds.map(id => titles[id].length));
	const widths = [
		cut(longest, ' '),
		...Array.from({length: longest + 1}, (_, less) => cut(longest - less, '')),
	];
	return widths.find(labels => labels.join('').length <= columns) ?? cut(0, '');
}

function Status({state}: {readonly state: UiState}) {
	const task = [...state.tasks.values()].at(-1);
	const needy = needyCount(state);
	if (task !== undefined) return <Working label={state.size.columns < 100 ? '' : clean(task)} />;
	const words = [
		...(state.sandbox && state.size.columns >= 75 ? ['sandbox'] : []),
		...(state.secretsDegraded && state.size.columns >= 75
			? [state.size.columns < 100 ? 'degraded' : 'secrets degraded']
			: []),
		...(state.autoRefresh || state.size.columns < 100 ? [] : ['auto-refresh off']),
	];
	// Beside the names there are four columns left of sixty.
	const isTight = state.size.columns < 64;
	return (
		<Text wrap="truncate">
			{words.join(' · ')}
			{words.length > 0 && needy > 0 ? ' · ' : ''}
			{needy > 0 ? <Text {...tones.bad} bold>{`✗${isTight && needy > 9 ? '' : ' '}${needy}`}</Text> : null}
			{isTight ? '' : ' '}
		</Text>
	);
}

function Working({label}: {readonly label: string}) {
	const {frame} = useAnimation({interval: 120});
	return <Text wrap="truncate">{`${frames[frame % frames.length]} ${label} `}</Text>;
}
