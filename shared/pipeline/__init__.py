"""The engine: what every flow does, whatever its systems. It knows neither vendor nor flow.

poll     read a page of the source, hand it off, save the checkpoint       running   started,
         stopped, failed, tried again
deliver  take an envelope: ledger, decide, claim, write, settle            sweep     deletions that
         no feed has told of
settle   ledger, dead letters and resends of one envelope                  letters   what may become
         of dead letters
replay   read all again, or one record, or the dead letters                poison    messages that
         could not be delivered
flow     what a flow is to these steps, and what they work with            decision  what to do with
         one change
"""
