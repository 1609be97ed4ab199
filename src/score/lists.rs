//! Plain words of six languages, written down by hand: what trouble and joy sound like to a team
//! that looks after customers. No corpus was read for them.

/// The words of one language.
pub struct List {
    /// Which language.
    pub language: &'static str,
    /// Words of trouble.
    pub bad: &'static str,
    /// Words of joy.
    pub good: &'static str,
    /// Words that turn round what follows.
    pub negations: &'static str,
    /// Small words that betray the language.
    pub common: &'static str,
}

/// All of them. English first: a word of several languages means what it means in the first.
pub const LISTS: [List; 6] = [
    List {
        language: "en",
        bad: "refund refunded delay delays delayed cancel cancelled canceled cancels waiting \
             wait waited hold lost lose losing broken missing missed miss late worst worse \
             terrible awful rude ridiculous unacceptable useless disappointed disappointing \
             disappointment frustrated frustrating frustration angry furious disgusting \
             disgusted disgrace horrible horrendous poor poorly bad never still nothing \
             nobody hours hour wrong fail failed failing fails failure error errors crash \
             crashed crashes crashing charged overcharged stuck stranded ruined stolen \
             damaged faulty defective cannot can't won't doesn't didn't isn't hasn't haven't \
             wasn't couldn't wouldn't cant wont doesnt didnt isnt broke issue issues problem \
             problems complaint complain complaining joke shame ashamed ignored ignoring \
             unhelpful incompetent unable why wtf hate sucks suck crap lies lied liar scam \
             fraud unprofessional pathetic unbelievable annoyed annoying slow down dead dirty \
             cold expired refused rejected blocked hung worthless appalling shocking rubbish \
             sad sick pain kill dying fuck fucking shit damn stupid idiot idiots trash boring \
             tired cry crying hurt",
        good: "thanks thank thx ty love loved loves loving awesome amazing best appreciate \
             appreciated excellent cool happy glad nice good great wonderful perfect \
             fantastic kudos congrats beautiful brilliant smooth friendly helpful enjoy \
             enjoyed enjoying exciting excited win winning fun yay impressed cheers",
        negations: "not no never none cannot can't cant don't dont won't wont didn't didnt isn't \
             isnt doesn't doesnt wasn't wasnt hasn't haven't couldn't wouldn't aren't without \
             nothing nobody nor",
        common: "the a an and or is are am was were be been to of in on at for from with my your \
             you i we it this that have has had do does did how what when where who can could \
             would should will just about there their they me our i'm it's get got please so \
             but if any more as by up out all",
    },
    List {
        language: "de",
        bad: "nicht kein keine keinen nie niemand nichts schlecht schlechte schlechter schlimm \
             schlimmer furchtbar schrecklich katastrophe katastrophal verspätung verspätet \
             ausfall ausgefallen fällt kaputt defekt leider ärger ärgerlich ärgert wütend \
             sauer enttäuscht enttäuschend enttäuschung unverschämt unverschämtheit frechheit \
             warten warte gewartet stunden scheiße scheisse scheiss scheiß mist dumm doof \
             blöd blöde idiot idioten hass hasse hasst nervt nerven nervig traurig schade \
             problem probleme fehler falsch verloren krank schmerzen angst tot gestorben \
             schuld peinlich lächerlich langweilig müde weinen heulen arsch fuck kotzt kotzen \
             krieg nazis lüge lügen betrug skandal unfähig zu wieder störung störungen streik \
             schlimmste stinkt hölle",
        good: "danke dank super toll tolle gut gute guten schön schöne schönen liebe lieben \
             liebsten freue freu freut glücklich perfekt genial klasse großartig wunderbar \
             lecker lustig spaß spass beste besten bester geil cool herzlichen glückwunsch \
             prima nett viel spannend hilfreich endlich gewonnen",
        negations: "nicht kein keine keinen nie niemand nichts ohne",
        common: "der die das und oder ist sind war ich du er sie es wir ihr ein eine einen einem \
             einer zu von im am an auf für mit aus bei seit nach dem den des wie was wann wo \
             wer ihre euer eure mein meine hat habe haben werden wird kann auch noch nur aber \
             wenn bitte sich mir mich euch so als dann schon",
    },
    List {
        language: "fr",
        bad: "pas jamais rien personne aucun aucune ne mauvais mauvaise pire nul nulle honte \
             honteux scandale scandaleux inadmissible inacceptable retard retards panne grève \
             annulé annulée supprimé attente attendre attends heures problème problèmes \
             erreur déçu déçue déception triste tristesse malheureusement horrible \
             catastrophe catastrophique merde putain con connard connards cons conne chier \
             marre ras-le-bol ridicule pitoyable haine déteste peur mort morts guerre crise \
             danger pollution pollué scandaleuse mensonge mensonges menteur voleur voleurs \
             vol perdu perdre mal malade douleur pleure pleurer fatigué fatiguée stupide \
             idiot arrogant incompétent incapable échec lamentable dommage plainte arnaque \
             fuck colère désastre menace condamné accusé",
        good: "merci bien bon bonne super génial géniale excellent excellente beau belle bravo \
             aime adore heureux heureuse parfait parfaite magnifique top meilleur meilleure \
             félicitations content contente formidable joli jolie sympa cool agréable réussi \
             succès gagné plaisir bonheur ravi hâte",
        negations: "pas ne jamais rien aucun aucune sans personne",
        common: "le la les un une des du de et ou est sont je tu il elle nous vous on ce cette ça \
             mon ma mes votre vos dans sur pour avec au aux par que qui quoi quand où comment \
             plus très mais si j'ai c'est suis avez ai pourquoi depuis encore tout",
    },
    List {
        language: "es",
        bad: "no nunca nada nadie ni mal malo mala malos malas peor peores triste tristeza \
             asco odio horrible fatal pena lástima vergüenza mierda puta puto joder coño \
             hostia gilipollas idiota idiotas imbécil tonto tonta estúpido harto harta \
             cansado cansada cansancio sueño aburrido aburrida aburrimiento dolor duele \
             enfermo enferma fiebre llorar lloro llorando miedo muerte muerto muerta morir \
             muero mueren guerra crisis paro corrupción corruptos recortes robo roban \
             ladrones mentira mentiras mentiroso culpa error errores fallo fallos problema \
             problemas fracaso perder perdido perdí perdemos derrota injusto injusticia \
             imposible difícil decepción decepcionado decepcionante echo falta menos sin \
             rabia enfadado enfadada pésimo lamentable inútil queja retraso cancelado espera \
             esperando horas roto rota examen exámenes estudiar solo sola jodido jodida odia \
             depresión ansiedad insoportable insufrible desgracia grave víctimas accidente \
             lesión ruina basura asqueroso feo fea ojalá",
        good: "gracias bien bueno buena buenos buenas buen mejor mejores genial feliz felices \
             felicidades enhorabuena encanta encantan amor amo quiero guapa guapo bonito \
             bonita perfecto perfecta excelente grande maravilla maravilloso ilusión alegría \
             alegra risa divertido gran contento contenta ganar ganado éxito abrazo besos \
             beso fantástico increíble disfrutar disfruta jajaja jaja linda lindo preciosa \
             precioso",
        negations: "no nunca nada nadie ni sin jamás",
        common: "el la los las un una unos de del y o es son soy estoy está están yo tú usted me \
             te se mi mis su sus en con por para que qué cómo cuándo dónde pero si muy más ya \
             hay esto esta este todo lo le al hoy cuando como tengo tiene porque",
    },
    List {
        language: "pt",
        bad: "não nao nunca nada ninguém ninguem nem mal mau má ruim péssimo péssima pior \
             piores triste tristeza chateado chateada raiva ódio odio odeio horrível merda \
             porra caralho puta foda foder foda-se bosta droga inferno saco nojo idiota burro \
             burra estúpido cansado cansada cansaço sono tédio dor dói doente febre chorar \
             choro chorando chorei medo morte morto morreu morrer morrendo morro guerra crise \
             roubo ladrão mentira mentiroso culpa erro problema problemas fracasso perder \
             perdi perdeu perdido derrota injusto impossível difícil decepção decepcionado \
             decepcionada saudade saudades falta sem vergonha ridículo ridícula lixo chato \
             chata feio feia sozinho sozinha desgraça sofrer sofrimento atraso cancelado \
             esperando horas quebrado reclamar reclamação demora absurdo insuportável \
             infelizmente pqp vsf fdp aff affs estressada irritada irritado stress preguiça \
             desisto detesto odeia odiando golpe corrupto corruptos corrupção vagabundo \
             covarde nojento nojenta lamentável inveja inútil maldito maldita porcaria irritante \
             matar matou preso cadeia atrasado atrasada demorando tristes infeliz falso falsa \
             falsidade trouxa otário chora gripe fome pior piorou pobre",
        good: "obrigado obrigada bem bom boa bons boas melhor melhores ótimo ótima feliz \
             felizes parabéns amor amo ama adoro adorei lindo linda lindos perfeito perfeita \
             excelente maravilhoso maravilhosa alegria rindo rir kkkk kkk kk engraçado gostei \
             gosto legal incrível sucesso ganhar ganhou beijo beijos abraço demais top \
             sorriso fofo fofa lindas delícia brigada brigado amando adorando amei lindíssima \
             sorte orgulho orgulhosa orgulhoso vitória vencemos querida querido animada animado \
             festa bacana abençoe alegre fofos maravilhosos maravilhosas",
        negations: "não nao nunca nada ninguém nem sem",
        common: "o a os as um uma de do da dos das e ou é são sou estou está eu você vocês tu me \
             te se meu minha seu sua em no na com por para que quê como quando onde mas muito \
             mais já isso esta este tudo ao hoje vai vou pra tá foi ser ter tem porque",
    },
    List {
        language: "it",
        bad: "non mai niente nulla nessuno male cattivo cattiva peggio peggiore brutto brutta \
             brutti triste tristezza schifo schifoso odio vergogna vergognoso vergognatevi \
             merda cazzo cazzi stronzo stronzi coglioni coglione vaffanculo fanculo palle \
             idiota idioti stupido scemo ridicolo ridicola ladri ladro rubare rubato mafia \
             mafioso corrotti corruzione bugie bugiardo bugiardi tasse crisi disoccupati \
             disoccupazione povertà poveri fallimento fallito errore errori problema problemi \
             guerra morte morto morti morire paura dolore malato piangere pianto rabbia \
             arrabbiato deluso delusione stanco noia noioso colpa scandalo disastro tragedia \
             danni precari precariato protesta protestare sciopero tagli contro basta senza \
             purtroppo peccato ritardo cancellato attesa aspettare ore rotto guasto inutile \
             incapace incapaci incompetenti pessimo pessima orribile insopportabile \
             inaccettabile buffone buffoni pagliaccio spread licenziato",
        good: "grazie bene buono buona buon bello bella belli belle bellissimo bellissima \
             ottimo ottima bravo brava bravi migliore migliori felice contento contenta amo \
             amore adoro perfetto perfetta meraviglioso fantastico splendido splendida auguri \
             complimenti successo vincere vinto gioia sorriso piace evviva finalmente \
             speranza divertente simpatico eccellente",
        negations: "non mai niente nulla nessuno senza né",
        common: "il lo la i gli le un uno una di del della dei e o è sono sei io tu lei noi voi \
             mi ti si mio mia vostro in con per da che cosa come quando dove ma se molto più \
             già c'è questo questa tutto al alla nel ho hai ha anche ancora perché oggi",
    },
];
