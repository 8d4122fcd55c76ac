/** What is said where no model can answer, by language (ISO 639-1). */
const SENTENCES: Readonly<Record<string, string>> = {
  ar: 'لا يمكنني الإجابة الآن. يُرجى المحاولة مرة أخرى بعد بضع دقائق.',
  cs: 'Teď nemohu odpovědět. Zkuste to prosím znovu za několik minut.',
  da: 'Jeg kan ikke svare lige nu. Prøv igen om et par minutter.',
  de: 'Ich kann gerade nicht antworten. Bitte versuchen Sie es in einigen Minuten noch einmal.',
  en: 'I cannot answer right now. Please try again in a few minutes.',
  es: 'No puedo responder en este momento. Inténtelo de nuevo en unos minutos.',
  fi: 'En voi vastata juuri nyt. Yritä uudelleen muutaman minuutin kuluttua.',
  fr: 'Je ne peux pas répondre pour le moment. Veuillez réessayer dans quelques minutes.',
  it: 'Al momento non posso rispondere. Riprovi tra qualche minuto.',
  ja: 'ただいま回答できません。数分後にもう一度お試しください。',
  ko: '지금은 답변할 수 없습니다. 몇 분 후에 다시 시도해 주세요.',
  nl: 'Ik kan nu niet antwoorden. Probeer het over een paar minuten opnieuw.',
  pl: 'Nie mogę teraz odpowiedzieć. Spróbuj ponownie za kilka minut.',
  pt: 'Não posso responder neste momento. Tente novamente dentro de alguns minutos.',
  sv: 'Jag kan inte svara just nu. Försök igen om några minuter.',
  tr: 'Şu anda yanıt veremiyorum. Lütfen birkaç dakika sonra tekrar deneyin.',
  uk: 'Зараз я не можу відповісти. Спробуйте ще раз за кілька хвилин.',
  zh: '我现在无法回答。请几分钟后再试。',
};
const ENGLISH = SENTENCES['en'] ?? '';

/** Returns the sentence in the caller's language (a BCP 47 tag), in English where nothing is known of it. */
export function degradedSentence(locale: string | null): string {
  const language = (locale ?? '').toLowerCase().split('-')[0] ?? '';
  return Object.hasOwn(SENTENCES, language) ? (SENTENCES[language] ?? ENGLISH) : ENGLISH;
}
