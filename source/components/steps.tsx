import {Text, useIsScreenReaderEnabled} from 'ink';
import {type OnboardingStep, onboardingSteps, stepWords} from '../auth/onboarding.ts';

/** Where one is among the steps of onboarding. */
export function Steps({step: present, columns}: {readonly step: OnboardingStep; readonly columns: number}) {
	const isScreenReader = useIsScreenReaderEnabled();
	if (isScreenReader) return <Text>{stepWords(present)}</Text>;
	const gap = columns < 70 ? '  ' : ' · ';
	return (
		<Text wrap="truncate">
			{onboardingSteps.map((step, index) => {
				const name = `${index + 1} ${step}`;
				return (
					<Text key={step}>
						<Text dimColor>{index === 0 ? '  ' : gap}</Text>
						<Text bold={step === present} dimColor={step !== present}>
							{step === present ? `[${name}]` : name}
						</Text>
					</Text>
				);
			})}
		</Text>
	);
}
